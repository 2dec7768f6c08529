"""Names of folders that mean a split, in any spelling and case."""

import re

SPLITS = ("train", "validation", "test")

_MEANINGS = {
    "train": "train|training|trn",
    "validation": "val|valid|validate|validation|validating|dev|devel|development|eval|evaluate"
    "|evaluation|evaluating|tuning",
    "test": "test|testing|tests|tst|holdout|heldout",
}
_FILLER = (
    "(?:x|the|data|dataset|set|split|fold|part|folder|dir|image|img|photo|picture|file|final)s?"
)
_PATTERNS = {
    split: re.compile(f"(?:{_FILLER})*(?:{names})(?:{_FILLER})*")
    for split, names in _MEANINGS.items()
}


def split_meant(name: str) -> str | None:
    """Returns the split that a folder's name means: `train`, `validation`, `test` or `None`.

    Case, digits, punctuation and words such as `set`, `data` or `images` do not count: `Train`,
    `TRAIN_SET`, `train2017` and `training images` all mean `train`.
    """
    letters = "".join(character for character in name.casefold() if character.isalpha())
    return next((split for split in SPLITS if _PATTERNS[split].fullmatch(letters)), None)
