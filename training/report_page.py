"""A page of results in Markdown or HTML: tables, curves and sample sheets."""

import base64
import html
import io
import os
import pathlib
import shutil

from training.report_tables import label_of, read_rows, score_files, shown_values
from zoo.errors import UserError

CURVES = "curves.png"
STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:95em;padding:0 1em}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "td,th{border:1px solid #bbb;padding:.3em .7em;text-align:left;"
    "white-space:nowrap;font-variant-numeric:tabular-nums}"
    "figure{display:inline-block;margin:0 1em 1em 0;vertical-align:top}"
    "img{max-width:100%}figure img{max-height:45em}"
)


class Page:
    """Collects the parts of a page and writes it.

    The pictures of a Markdown page are in a folder next to it.

    Args:
        path: the file, `.md` or `.html`.

    Raises:
        UserError: if the path has another suffix.
    """

    def __init__(self, path: pathlib.Path):
        if path.suffix not in (".md", ".html"):
            raise UserError(f"-o must end in .md or .html, given {path}.")
        self.path = path
        self.pictures = path.with_name(f"{path.stem}_files")
        self.parts: list[str] = []

    @property
    def _html(self) -> bool:
        return self.path.suffix == ".html"

    def heading(self, text: str) -> None:
        """Adds a heading."""
        self.parts.append(f"<h2>{html.escape(text)}</h2>" if self._html else f"## {text}")

    def table(self, markdown: str) -> None:
        """Adds a Markdown table and the lines that follow it."""
        if not self._html:
            self.parts.append(markdown)
            return
        rows = [line for line in markdown.splitlines() if line.startswith("|")]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        lines = []
        for number, row in enumerate(cells):
            if number == 1:
                continue
            tag = "th" if number == 0 else "td"
            lines.append(
                "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
            )
        notes = [line for line in markdown.splitlines() if line and not line.startswith("|")]
        below = "<br>\n".join(html.escape(note.strip().replace("`", "")) for note in notes)
        self.parts.append("<table>\n" + "\n".join(lines) + f"\n</table>\n<p>{below}</p>")

    def picture(self, content: bytes, name: str, title: str) -> None:
        """Adds a PNG picture."""
        if self._html:
            data = base64.b64encode(content).decode()
            caption = f"<figcaption>{html.escape(title)}</figcaption>"
            image = f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
            self.parts.append(f"<figure>{image}{caption}</figure>")
            return
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.pictures / name).write_bytes(content)
        self.parts.append(f"![{title}]({self.pictures.name}/{name})\n\n{title}")

    def write(self) -> None:
        """Writes the page, whole or not at all."""
        text = "\n\n".join(self.parts) + "\n"
        if self._html:
            text = (
                f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
                f"<title>{html.escape(self.path.stem)}</title><style>{STYLE}</style></head>\n"
                f"<body>\n<h1>Results</h1>\n{text}</body></html>\n"
            )
        part = self.path.with_name(f".{self.path.name}.part")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        os.replace(part, self.path)


def run_folders(sources: list[pathlib.Path]) -> list[pathlib.Path]:
    """Returns the folders of all runs in the sources."""
    folders: list[pathlib.Path] = []
    for source in sources:
        if source.is_dir():
            folders += sorted(path.parent for path in source.glob("seed-*/recipe.json")) or [source]
    return folders


def run_name(folder: pathlib.Path) -> str:
    """Returns the name of a run, with its seed if it is one of several."""
    label = label_of(folder.resolve())
    return f"{label}/{folder.name}" if folder.name.startswith("seed-") else label


def score_curves(sources: list[pathlib.Path]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Returns the scores during training: `{value and protocol: {run: [(step, value)]}}`."""
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for folder in run_folders(sources):
        for path in score_files(folder):
            for row in (row for row in read_rows(path) if row.get("while_training")):
                for name, value in shown_values(row).items():
                    title = row["key"] if name == row["metric"] else f"{name}, {row['key']}"
                    points = curves.setdefault(title, {}).setdefault(run_name(folder), [])
                    points.append((row["step"], value))
    return curves


def add_curves(page: Page, sources: list[pathlib.Path]) -> None:
    """Draws each score during training over the steps, one line per run.

    Raises:
        UserError: if there are such scores and matplotlib is not installed.
    """
    curves = score_curves(sources)
    if curves:
        page.heading("Scores during training")
        page.picture(_draw(curves), CURVES, "Averaged weights, against the split in the key")


def _draw(curves: dict[str, dict[str, list[tuple[int, float]]]]) -> bytes:
    """Draws a panel for each title, two in a row; returns a PNG."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError(
            "The curves need matplotlib, which is not installed. Install it with: "
            "pip install 'lipschitz-gan-zoo[report]'."
        ) from None
    columns = min(2, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(6 * columns, 3.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, (title, lines) in zip(axes, curves.items(), strict=False):
        for name, points in lines.items():
            steps, values = zip(*sorted(points), strict=True)
            axis.plot(steps, values, marker=".", label=name)
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    for axis in axes[len(curves) :]:
        axis.remove()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def add_samples(page: Page, sources: list[pathlib.Path]) -> None:
    """Adds the last sample sheet of each run."""
    sheets = []
    for folder in run_folders(sources):
        pictures = sorted((folder / "samples").glob("*.png"))
        if pictures:
            title = f"{run_name(folder)}, step {int(pictures[-1].stem):,}"
            sheets.append((pictures[-1], title))
    if not sheets:
        return
    page.heading("Samples")
    for number, (path, title) in enumerate(sheets):
        page.picture(path.read_bytes(), f"samples-{number}.png", title)


def clear(page: Page) -> None:
    """Removes the pictures of an earlier page with the same name."""
    if page.path.suffix == ".md" and page.pictures.is_dir():
        shutil.rmtree(page.pictures)
