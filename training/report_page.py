"""A page of results in Markdown or HTML: tables, curves and sample sheets."""

import base64
import html
import os
import pathlib
import shutil

from training.report_curves import draw, run_folders, run_names, score_curves, stored_result
from zoo.errors import UserError

CURVES = "curves.png"
STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:95em;padding:0 1em}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "td,th{border:1px solid #bbb;padding:.3em .7em;text-align:left;"
    "white-space:nowrap;font-variant-numeric:tabular-nums}"
    "figure{display:inline-block;margin:0 1em 1em 0;vertical-align:top}"
    "img{max-width:100%}figure img{max-height:45em}figure.whole img{max-height:none}"
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

    def picture(self, content: bytes, name: str, title: str, *, whole_width: bool = False) -> None:
        """Adds a PNG picture; with `whole_width` its height on an HTML page is not limited."""
        if self._html:
            data = base64.b64encode(content).decode()
            caption = f"<figcaption>{html.escape(title)}</figcaption>"
            image = f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
            kind = ' class="whole"' if whole_width else ""
            self.parts.append(f"<figure{kind}>{image}{caption}</figure>")
            return
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.pictures / name).write_bytes(content)
        self.parts.append(f"![{title}]({self.pictures.name}/{name})\n\n{title}")

    def note(self, text: str) -> None:
        """Adds a paragraph."""
        self.parts.append(f"<p>{html.escape(text)}</p>" if self._html else text)

    def text(self) -> str:
        """Returns the page."""
        text = "\n\n".join(self.parts) + "\n"
        if self._html:
            text = (
                f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
                f"<title>{html.escape(self.path.stem)}</title><style>{STYLE}</style></head>\n"
                f"<body>\n<h1>Results</h1>\n{text}</body></html>\n"
            )
        return text

    def write(self) -> None:
        """Writes the page, whole or not at all."""
        part = self.path.with_name(f".{self.path.name}.part")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(self.text())
        os.replace(part, self.path)


def add_curves(page: Page, sources: list[pathlib.Path]) -> None:
    """Draws each score during training over the steps, one line per network.

    Raises:
        UserError: if there are such scores and matplotlib is not installed.
    """
    curves = score_curves(sources)
    if not curves:
        return
    lines = [line for panel in curves.values() for line in panel]
    title = "Scores against the split in the key."
    if any(line.control for line in lines):
        title += " Dashed and dotted lines: controls."
    if any(line.chosen is not None for line in lines):
        title += " Stars: the chosen states."
    page.heading("Scores during training")
    page.picture(draw(curves), CURVES, title, whole_width=True)


def add_samples(page: Page, sources: list[pathlib.Path]) -> None:
    """Adds a sample sheet of each run: of the chosen state, or else of the last step."""
    sheets = []
    folders = run_folders(sources)
    for folder, name in zip(folders, run_names(folders), strict=True):
        pictures = {int(p.stem): p for p in (folder / "samples").glob("*.png") if p.stem.isdigit()}
        if not pictures:
            continue
        chosen, last = stored_result(folder).get("best_step"), max(pictures)
        step = chosen if chosen in pictures else last
        title = f"{name}, step {step:,}"
        if chosen is not None:
            title += " (chosen)" if step == chosen else f" (the chosen state is of step {chosen:,})"
        sheets.append((pictures[step], title))
    if not sheets:
        return
    page.heading("Samples")
    for number, (path, title) in enumerate(sheets):
        page.picture(path.read_bytes(), f"samples-{number}.png", title)


def clear(page: Page) -> None:
    """Removes the pictures of an earlier page with the same name."""
    if page.path.suffix == ".md" and page.pictures.is_dir():
        shutil.rmtree(page.pictures)
