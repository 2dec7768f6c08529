"""The splits and classes of a folder, decided by the names of its sub-folders and files alone."""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Sequence

from training.data.split_names import SPLITS, means_unlabelled, split_meant
from training.data.splitting import HELD_OUT_DIVISOR, hash_order
from training.data.text import listed, printable
from zoo.errors import UserError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Placed:
    """An image file in its split.

    Args:
        key: the path inside the data set, with slashes.
        label: the index of its class; `None` without classes.
    """

    key: str
    label: int | None


@dataclasses.dataclass(frozen=True)
class Layout:
    """The image files of a folder by split.

    Args:
        splits: the files of each split, sorted by key.
        class_names: the names of the classes in the order of the labels.
        class_folders: the key of each class folder of the train split, in the same order.
        given: the key of each split that has a folder.
        unlabelled: the files without a label, next to the train split, sorted by key.
    """

    splits: dict[str, list[Placed]]
    class_names: tuple[str, ...]
    class_folders: tuple[str, ...]
    given: dict[str, str]
    unlabelled: tuple[Placed, ...] = ()


def find_layout(name: str, images: Sequence[str], folders: Sequence[str]) -> Layout:
    """Finds the splits and classes of a folder, and its images without a label.

    A folder whose name means "unlabelled" holds images without a label if it is next to class
    folders, to train/, or to the class folders inside train/.

    Args:
        name: the folder's path, for messages.
        images: the keys of all image files.
        folders: the keys of all folders.

    Raises:
        UserError: if the folder mixes layouts, or a folder's name means a split in a place where
            it cannot be one.
    """
    apart = [folder for folder in folders if _is_unlabelled(folder)]
    without = [key for key in images if not _inside(key, apart)]
    unlabelled = tuple(Placed(key, None) for key in images if _inside(key, apart))
    if not unlabelled or not without:
        return _labelled_layout(name, images, folders)
    layout = _labelled_layout(name, without, [one for one in folders if not _inside(one, apart)])
    if not layout.class_folders:
        raise UserError(
            f"{name} has the folder {printable(apart[0])}/, whose name means images without a "
            "label, but no class folders. Put the images of each class into a folder of its own, "
            "or give this folder another name."
        )
    return dataclasses.replace(layout, unlabelled=unlabelled)


def _is_unlabelled(folder: str) -> bool:
    *outer, last = folder.split("/")
    return means_unlabelled(last) and (
        not outer or (len(outer) == 1 and split_meant(outer[0]) == "train")
    )


def _inside(key: str, folders: Sequence[str]) -> bool:
    return any(key == folder or key.startswith(f"{folder}/") for folder in folders)


def _labelled_layout(name: str, images: Sequence[str], folders: Sequence[str]) -> Layout:
    top = [folder for folder in folders if "/" not in folder]
    given = _given_splits(name, top, [key for key in images if "/" not in key])
    if not given:
        _refuse_inner_splits(name, images, first=0)
        unnamed, names = _unnamed_splits(name, images)
        if unnamed and not all(map(_NUMBER.fullmatch, names)):
            raise UserError(f"{unnamed} {_AS_CLASSES}")
        class_folders = _class_folders(name, images, top, prefix="")
        placed = _place(images, class_folders)
        return Layout(_divide(placed, list(SPLITS)), *_named(class_folders), given)
    inside = {
        split: [key for key in images if key.startswith(f"{folder}/")]
        for split, folder in given.items()
    }
    prefix = f"{given['train']}/"
    children = [folder for folder in folders if folder.startswith(prefix)]
    children = [folder for folder in children if "/" not in folder.removeprefix(prefix)]
    _refuse_inner_splits(name, images, first=1 if _are_splits(children) else 2)
    class_folders = _class_folders(f"{name}/{given['train']}", inside["train"], children, prefix)
    train = _place(inside["train"], class_folders)
    splits = _divide(train, [split for split in SPLITS if split == "train" or split not in given])
    for split in given.keys() - {"train"}:
        others = _like_train(name, given, split, inside[split], class_folders)
        splits[split] = _place(inside[split], others)
    return Layout(splits, *_named(class_folders), given)


def _given_splits(name: str, top: list[str], loose: list[str]) -> dict[str, str]:
    """Returns the folder of each split that has one; `{}` if no folder's name means a split."""
    meanings = {folder: split_meant(folder) for folder in top}
    given: dict[str, str] = {}
    for folder, split in meanings.items():
        if split is None:
            continue
        if split in given:
            raise UserError(
                f"{name} has the folders {printable(given[split])}/ and {printable(folder)}/, and "
                f"both mean the {split} split. Keep one of them, or join them. {_AS_CLASSES}"
            )
        given[split] = folder
    others = [folder for folder in top if meanings[folder] is None] + loose
    if given and ("train" not in given or others):
        problem = f"also has {listed(sorted(others))}" if others else "no train/"
        raise UserError(
            f"{name} has {listed([f'{folder}/' for folder in given.values()])}, which means a "
            f"split, but {problem}. Expected train/, optionally validation/ and test/, and no "
            f"other folders or images. {_AS_CLASSES}"
        )
    return given


_AS_CLASSES = "If these folders are classes, move all class folders into a folder named train/."


def _are_splits(folders: list[str]) -> bool:
    """Returns whether folders inside train/ are splits again, and not classes such as `valid`."""
    meanings = [split_meant(folder.rpartition("/")[2]) for folder in folders]
    return None not in meanings and (len(folders) < 2 or "train" in meanings)


def _refuse_inner_splits(name: str, images: Sequence[str], *, first: int) -> None:
    """Refuses folders that mean a split from the `first` level on."""
    for key in images:
        parts = key.split("/")[:-1]
        for level, part in enumerate(parts):
            if level >= first and split_meant(part) is not None:
                around = "/".join([name, *map(printable, parts[:level])])
                raise UserError(
                    f"{around} contains the folder {printable(part)}/, whose name means a split. "
                    f"Splits must be the outermost folders, with the class folders inside: give "
                    f"the folder that contains the splits as --data (perhaps {around}), move "
                    "them outside, or give this folder another name."
                )


def _unnamed_splits(name: str, images: Sequence[str]) -> tuple[str, list[str]]:
    """Finds two or three folders with the same sub-folders: splits with unknown names.

    Returns:
        A message and the names of the sub-folders. The message is empty if no folder has them.
    """
    inside: dict[str, set[str]] = {}
    for key in images:
        top, *inner = key.split("/")
        if len(inner) < 2:
            return "", []
        inside.setdefault(top, set()).add(unicodedata.normalize("NFC", inner[0]).casefold())
    most = max(inside.values(), key=len)
    if len(inside) not in (2, 3) or any(len(one) < 2 or not one <= most for one in inside.values()):
        return "", []
    folders = listed([f"{folder}/" for folder in sorted(inside)])
    message = (
        f"{name} has {folders} with the same sub-folders ({listed(sorted(most))}), so they seem to "
        "be splits. Name them train/, test/ and, if there is a third one, validation/."
    )
    return message, sorted(most)


def doubts(name: str, layout: Layout, images: Sequence[str]) -> list[str]:
    """Returns warnings about classes that may be something else.

    Args:
        name: the folder's path, for messages.
        layout: the layout of the folder.
        images: the keys of all image files.
    """
    if len(layout.class_folders) != 1:
        # Sub-folders with numbers may be the parts of large classes.
        unnamed, _ = ("", []) if layout.given else _unnamed_splits(name, images)
        return [f"{unnamed} They are read as classes."] if unnamed else []
    (folder,) = layout.class_folders
    keys = [file.key.removeprefix(f"{folder}/") for file in layout.splits["train"]]
    inside = sorted({key.partition("/")[0] for key in keys})
    if len(inside) < 2 or not all("/" in key for key in keys):
        return []
    return [
        f"All images are of one class, {printable(folder)}, whose folder contains "
        f"{listed([f'{one}/' for one in inside])}. If these are the classes, give "
        f"{name}/{printable(folder)} as --data."
    ]


def _class_folders(
    name: str, images: Sequence[str], folders: Iterable[str], prefix: str
) -> dict[str, int]:
    """Returns the label of each class folder; `{}` for a folder of images without classes."""
    loose = [key for key in images if "/" not in key.removeprefix(prefix)]
    if len(loose) == len(images):
        return {}
    if loose:
        raise UserError(
            f"{name} contains class folders and also images outside of them, e.g. "
            f"{printable(min(loose).removeprefix(prefix))}. Move these images into a class "
            "folder, or remove them."
        )
    return {folder: label for label, folder in enumerate(sort_classes(folders))}


def sort_classes(names: Iterable[str]) -> list[str]:
    """Sorts names of classes: by value if the last part of each is a number, else by alphabet."""
    names = sorted(names)
    last = [name.rpartition("/")[2] for name in names]
    if all(_NUMBER.fullmatch(part) for part in last):
        return [name for _, name in sorted(zip(map(float, last), names, strict=True))]
    return names


def _like_train(
    name: str, given: dict[str, str], split: str, images: list[str], train: dict[str, int]
) -> dict[str, int]:
    """Returns the labels of a split's class folders, which must be classes of the train split."""
    folder = given[split]
    prefix = f"{folder}/"
    loose = {key for key in images if "/" not in key.removeprefix(prefix)}
    if train and loose:
        raise UserError(
            f"{name}/{printable(folder)} must have the same class folders as {given['train']}/; "
            f"it has images outside of them, e.g. {printable(min(loose).removeprefix(prefix))}."
        )
    known = {_same(folder): label for folder, label in train.items()}
    here = dict.fromkeys("/".join(key.split("/")[:2]) for key in images if key not in loose)
    unknown = [child.removeprefix(prefix) for child in here if _same(child) not in known]
    if unknown:
        names = [child.rpartition("/")[2] for child in train]
        raise UserError(
            f"{name}/{printable(folder)} has {listed(unknown)}, which is not a class of "
            f"{given['train']}/ ({listed(names) or 'no classes'}). The classes of all splits must "
            "be the same, in the same spelling."
        )
    return {child: known[_same(child)] for child in here}


def _same(folder: str) -> str:
    """Returns the name of a class folder; equal for the two Unicode spellings of a letter."""
    return unicodedata.normalize("NFC", folder.rpartition("/")[2])


def _named(class_folders: dict[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(printable(folder.rpartition("/")[2]) for folder in class_folders)
    return names, tuple(class_folders)


def _place(images: Iterable[str], class_folders: dict[str, int]) -> list[Placed]:
    if not class_folders:
        return [Placed(key, None) for key in images]
    depth = next(iter(class_folders)).count("/") + 1
    return [Placed(key, class_folders["/".join(key.split("/")[:depth])]) for key in images]


def _divide(files: list[Placed], names: list[str]) -> dict[str, list[Placed]]:
    """Divides files among the named splits, class by class; `names` includes `train`."""
    held_out = [name for name in ("test", "validation") if name in names]
    chosen: dict[str, list[int]] = {name: [] for name in names}
    order = hash_order(file.key for file in files).tolist()
    for label in dict.fromkeys(file.label for file in files):
        members = [position for position in order if files[position].label == label]
        each = len(members) // HELD_OUT_DIVISOR or int(len(members) > len(held_out))
        for name in held_out:
            chosen[name] += members[:each]
            members = members[each:]
        chosen["train"] += members
    return {name: [files[position] for position in sorted(chosen[name])] for name in names}
