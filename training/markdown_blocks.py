"""Blocks of Markdown pages that commands write.

A block is the text between the lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
"""

import pathlib

from training.run_folder import write_text
from zoo.errors import UserError


def replace_block(page: pathlib.Path, name: str, text: str) -> None:
    """Replaces the text of a block.

    Args:
        page: a Markdown file.
        name: the block's name.
        text: the new text.

    Raises:
        UserError: if the page cannot be read, or does not contain the block exactly once.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    try:
        before, rest = page.read_text().split(begin)
        _, after = rest.split(end)
    except OSError as error:
        raise UserError(f"Cannot read {page}: {error.strerror}.") from None
    except ValueError:
        raise UserError(
            f"{page} must contain one line {begin} and, after it, one line {end}. Add them where "
            "the text belongs."
        ) from None
    write_text(page, f"{before}{begin}\n\n{text}\n\n{end}{after}")
