"""The page of pictures of all generators."""

import pathlib

from benchmarks import gallery

ROOT = pathlib.Path(__file__).parents[2]


def test_the_page_is_up_to_date_and_has_all_its_pictures():
    text = (ROOT / gallery.PAGE).read_text()
    assert text == gallery.page(), "run python -m benchmarks.gallery --data-dir DIR"
    for name, views in gallery.generators().items():
        files = [f"{name}.gif", *(f"{name}_{view}.png" for view in views)]
        assert all((ROOT / gallery.IMAGES / file).exists() for file in files), name
