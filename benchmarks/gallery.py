"""`python -m benchmarks.gallery --data-dir DIR`: draws the pictures of docs/gallery.md.

Each generator that comes with the package gets a sheet with and without truncation, an
interpolation as strip and as animation, and its images next to their nearest training images.
The command also writes the page.
"""

import argparse
import pathlib
import sys

from training import sample
from zoo.presets.builtin import builtin_metadata

PAGE = pathlib.Path("docs/gallery.md")
IMAGES = pathlib.Path("docs/images/gallery")

VIEWS = {
    "full": ("Two rows of images", "--grid 2x8"),
    "truncated": ("The same seeds with truncation 0.6", "--grid 2x8 --truncation 0.6"),
    "nearest": (
        "Images, each followed by its nearest training image",
        "--grid 2x4 --seed 100 --nearest DATA",
    ),
    "between": ("From seed 1 to seed 5", "--interpolate 1,5 --gif between.gif"),
}
"""Title and options of each picture."""
BY_CLASS = {"classes": ("One class per row", "--grid 10x8")}
"""The further picture of a generator of classes."""

_START = """\
# Gallery

Images of all generators that come with the package. They were not selected: the seeds begin with 0
in the sheets and with 100 in the neighbours. A generator of classes has another class in each row.
These commands draw the pictures:

```console
{commands}
```

`python -m benchmarks.gallery --data-dir DIR` draws all of them and writes this page. DATA is
the data set of the generator, and DIR a folder with `NAME.npz` of each.

- *Truncation* multiplies the latents by a factor. The images become more alike.
- *The nearest training image* is the one with the smallest distance of pixels. If a generator had
  memorised its data, both images of a pair would be equal.
"""


def generators() -> dict[str, dict[str, tuple[str, str]]]:
    """Returns the views of each preset whose task is to generate images."""
    return {
        name: VIEWS | (BY_CLASS if metadata["num_classes"] else {})
        for name, metadata in builtin_metadata().items()
        if metadata["tasks"][0] == "ImageGenerator"
    }


def page() -> str:
    """Returns the page with the pictures of all presets."""
    commands = "\n".join(
        f"python -m training.sample NAME {options} --out {view}.png"
        for view, (_, options) in (VIEWS | BY_CLASS).items()
    )
    sections = [_START.format(commands=commands)]
    for name, views in generators().items():
        pictures = [
            f"{title}:\n\n![{view}](images/gallery/{name}_{view}.png)\n"
            for view, (title, _) in views.items()
        ]
        animation = f"![animation](images/gallery/{name}.gif)\n"
        sections.append("\n".join([f"## {name}\n", *pictures, animation]))
    return "\n".join(sections)


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__)
    parser.add_argument(
        "--data-dir", required=True, type=pathlib.Path, help="folder with NAME.npz of each data set"
    )
    folder = parser.parse_args(arguments).data_dir
    for name, views in generators().items():
        data = folder / f"{builtin_metadata()[name]['data']}.npz"
        places = {"DATA": str(data), "between.gif": str(IMAGES / f"{name}.gif")}
        for view, (_, options) in views.items():
            words = [places.get(word, word) for word in options.split()]
            out = IMAGES / f"{name}_{view}.png"
            if code := sample.main([name, *words, "--out", str(out)]):
                return code
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
