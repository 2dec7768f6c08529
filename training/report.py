"""`python -m training.report RUN... [-o results.md|results.html]`: tables from result files alone.

RUN is the folder of a finished run, of `seed-*` runs, or a `.jsonl` file of `training.evaluate`.
`--into PAGE --block NAME` puts the tables between two marks of a page that is there, the lines
`<!-- NAME: begin -->` and `<!-- NAME: end -->`.
"""

import argparse
import json
import pathlib
import sys
from typing import Any

from training.markdown_blocks import replace_block
from zoo.errors import UserError

# Numbers that differ in one of these were not measured the same way and share no column.
PROTOCOL = ("model", "data", "split", "test_images", "train_images", "labels", "steps", "weights")


def read_results(folders: list[pathlib.Path]) -> list[dict[str, Any]]:
    """Reads `result.json` of each run, or of each `seed-*` run below a folder."""
    results = []
    for folder in folders:
        paths = sorted(folder.glob("seed-*/result.json")) or [folder / "result.json"]
        for path in paths:
            try:
                results.append(json.loads(path.read_text()))
            except OSError:
                raise UserError(f"{folder} has no result.json: not a finished run.") from None
            except ValueError as error:
                raise UserError(f"{path} is damaged: {error}") from None
    return results


def check_one_protocol(results: list[dict[str, Any]]) -> None:
    """Raises UserError when the results were not measured the same way."""
    for key in PROTOCOL:
        values = {json.dumps(result.get(key)) for result in results}
        if len(values) > 1:
            raise UserError(
                f"These runs differ in {key} ({', '.join(sorted(values))}); numbers of two "
                "protocols do not belong in one column. Report them apart."
            )


def tables(sources: list[pathlib.Path]) -> list[str]:
    """Makes the tables: error rates of the runs, and scores of `training.evaluate`.

    Raises:
        UserError: a run that is not finished, or two protocols of one number.
    """
    from training.console import result_table
    from training.report_tables import final_scores, score_table

    results = read_results([source for source in sources if not source.is_file()])
    with_errors = [result for result in results if "test_error" in result]
    check_one_protocol(with_errors)
    made = [result_table(with_errors), score_table(final_scores(sources))]
    return [table for table in made if table]


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN")
    parser.add_argument("-o", "--out", type=pathlib.Path, help="page to write: .md or .html")
    parser.add_argument("--into", type=pathlib.Path, help="page with marks to put the tables in")
    parser.add_argument("--block", help="name of the marks")
    options = parser.parse_args(arguments)
    try:
        if (options.into is None) != (options.block is None):
            raise UserError("--into PAGE and --block NAME go together.")
        made = tables(options.runs)
        if options.into is not None:
            replace_block(options.into, options.block, "\n\n".join(made))
            print(options.into)
        if options.out is None and options.into is not None:
            return 0
        if options.out is None:
            print("\n\n".join(made) if made else "These runs have no scores yet: training.evaluate")
            return 0
        from training import report_page

        page = report_page.Page(options.out)
        report_page.clear(page)
        for table in made:
            page.table(table)
        report_page.add_curves(page, options.runs)
        report_page.add_samples(page, options.runs)
        page.write()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
