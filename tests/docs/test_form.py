"""The form of the pages: links, line length, cells, languages of code blocks."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "results" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
# These hold wide tables that commands write.
WITH_WIDE_TABLES = ("notebook.md", "distributed.md", "results/README.md")
# Blocks in one of these languages are tests, see `conftest.py`; `text` is for formulas and output.
LANGUAGES = {"python", "console", "bash", "yaml", "text"}
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#([^)]*))?\)|(?:src|href)=\"(?!\w+:|#)([^\"]+)\"")


def name(page: pathlib.Path) -> str:
    """Returns the page's path, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[str]:
    """Returns what follows each opening fence."""
    return re.findall(r"^```([^\n]*)\n.*?^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_has_a_target(page):
    """Sphinx checks links between pages of the site; these are checked for GitHub's readers too."""
    for target, anchor, source in LINK.findall(page.read_text()):
        path = page.parent / (target or source)
        assert path.exists(), f"{name(page)}: {target or source}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{target}#{anchor}"


def slug(heading: str) -> str:
    """Returns the anchor that GitHub and MyST make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_code_block_has_a_language_that_is_tested(page):
    languages = {line for line in blocks(page.read_text()) if not line.startswith("{")}
    assert languages <= LANGUAGES


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not name(page).endswith(WITH_WIDE_TABLES)], ids=name
)
def test_lines_and_cells_are_short(page):
    for line in page.read_text().splitlines():
        assert len(line) <= 120, line
        if line.startswith("|"):
            assert all(len(cell.strip()) <= 80 for cell in line.strip("|").split("|")), line


def test_every_page_of_the_site_has_one_title():
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        titles = re.findall(r"^# ", text, re.MULTILINE)
        assert len(titles) == 1 or text.strip() == "", name(page)
