"""`python -m training.report RUN... [-o results.md|results.html]`: tables from result files alone.

RUN is the folder of a finished run, a folder of `seed-*` runs, or a `.jsonl` file of
`training.evaluate`. `--into PAGE --block NAME` writes the tables into an existing page, between
the lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
"""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from training.markdown_blocks import replace_block
from training.stored_scores import read_result
from zoo.command_line import parse_options
from zoo.errors import UserError
from zoo.storage.address import is_remote

# Results that differ in one of these fields are not comparable and share no column.
PROTOCOL = ("model", "data", "split", "test_images", "train_images", "labels", "steps", "weights")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.report`."""

    runs: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="RUN...")]
    """Folders or addresses of finished runs, folders of `seed-*` runs, or `.jsonl` files."""
    out: Annotated[pathlib.Path | None, tyro.conf.arg(aliases=("-o",))] = None
    """The page to write: .md or .html. By default the tables are printed."""
    into: pathlib.Path | None = None
    """An existing page for the tables."""
    block: str | None = None
    """Name of the page's block for the tables."""


def read_results(folders: list[pathlib.Path]) -> dict[pathlib.Path, dict[str, Any]]:
    """Reads `result.json` of each run, or of each `seed-*` run in a folder; each run once."""
    results = {}
    for folder in folders:
        paths = sorted(folder.glob("seed-*/result.json")) or [folder / "result.json"]
        for path in paths:
            try:
                results[path.parent.resolve()] = read_result(path)
            except OSError:
                raise UserError(
                    f"{folder} has no result.json: it is not a finished run. Finish it with its "
                    "command."
                ) from None
    return results


def check_one_protocol(results: list[dict[str, Any]]) -> None:
    """Raises UserError if the results have different protocols."""
    for key in PROTOCOL:
        values = {json.dumps(result.get(key)) for result in results}
        if len(values) > 1:
            raise UserError(
                f"These runs differ in {key} ({', '.join(sorted(values))}), so their results "
                "cannot share a column. Report them separately."
            )


def tables(sources: list[pathlib.Path]) -> list[str]:
    """Returns the tables: error rates of the runs, and scores of `training.evaluate`.

    Raises:
        UserError: if a run is not finished, or results have different protocols.
    """
    from training.console import result_table
    from training.report_tables import final_scores, label_of, score_table

    results = read_results([source for source in sources if not source.is_file()])
    with_errors = {path: each for path, each in results.items() if "test_error" in each}
    check_one_protocol(list(with_errors.values()))
    # Runs with different names are not seeds of one training, so they have separate means.
    by_run: dict[str, dict[pathlib.Path, dict[str, Any]]] = {}
    for path, result in with_errors.items():
        by_run.setdefault(label_of(path), {})[path] = result
    made = []
    for label, runs in by_run.items():
        check_seeds(label, {path: result.get("seed") for path, result in runs.items()})
        table = result_table(list(runs.values()))
        made.append(f"{table}\n\nRun: `{label}`" if len(by_run) > 1 else table)
    made.append(score_table(final_scores(sources)))
    return [table for table in made if table]


def check_seeds(label: str, seeds: dict[pathlib.Path, Any]) -> None:
    """Raises UserError if two runs with one name have the same seed."""
    first: dict[Any, pathlib.Path] = {}
    for path, seed in seeds.items():
        if seed in first:
            raise UserError(
                f"{first[seed]} and {path} are two runs with the name {label} and the seed "
                f"{seed}. Rename one of the folders, or report them separately."
            )
        first[seed] = path


def report(options: Options) -> None:
    """Prints the tables, or writes them to pages.

    Raises:
        UserError: if the options are wrong, or the results cannot be reported together.
    """
    if not options.runs:
        raise UserError("Give at least one RUN.")
    if (options.into is None) != (options.block is None):
        raise UserError("--into PAGE and --block NAME go together: give both or none.")
    runs = list(map(_local, options.runs))
    made = tables(runs)
    if options.into is not None and options.block is not None:
        replace_block(options.into, options.block, "\n\n".join(made))
        print(options.into)
    if options.out is not None:
        _write_page(options.out, made, runs)
        print(options.out)
    elif options.into is None:
        print("\n\n".join(made) if made else "These runs have no scores yet: training.evaluate")


def _local(run: str) -> pathlib.Path:
    """Returns the folder of a run, and downloads it first if it is on an object store."""
    if not is_remote(run):
        return pathlib.Path(run)
    # This imports TensorFlow, which takes seconds.
    from zoo.presets.handles import local_source

    return pathlib.Path(local_source(run))


def _write_page(path: pathlib.Path, made: list[str], runs: list[pathlib.Path]) -> None:
    from training import report_page

    page = report_page.Page(path)
    report_page.clear(page)
    for table in made:
        page.table(table)
    report_page.add_curves(page, runs)
    report_page.add_samples(page, runs)
    page.write()


def main(arguments: Sequence[str], *, prog: str = "python -m training.report") -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        report(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
