"""Parts of pages that are written by commands: between `<!-- NAME: begin -->` and `... end -->`."""

import pathlib

from training.run_folder import write_text
from zoo.errors import UserError


def replace_block(page: pathlib.Path, name: str, text: str) -> None:
    """Puts a text between a page's two marks, in place of what stands there.

    Args:
        page: a Markdown file.
        name: that of the marks.
        text: what is to stand between them.

    Raises:
        UserError: the page cannot be read, or does not have both marks once, in order.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    try:
        before, rest = page.read_text().split(begin)
        _, after = rest.split(end)
    except OSError as error:
        raise UserError(f"Cannot read {page}: {error.strerror}.") from None
    except ValueError:
        raise UserError(
            f"{page} must have one line {begin} and one line {end} after it, between which the "
            "text is put."
        ) from None
    write_text(page, f"{before}{begin}\n\n{text}\n\n{end}{after}")
