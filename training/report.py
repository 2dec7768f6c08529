"""`python -m training.report RUN...`: a table of finished runs, from their result files alone."""

import argparse
import json
import pathlib
import sys
from typing import Any

from training.errors import UserError

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


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN")
    options = parser.parse_args(arguments)
    try:
        results = read_results(options.runs)
        check_one_protocol(results)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    from training.console import result_table

    print(result_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
