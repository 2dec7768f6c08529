"""Uploads of presets to the Hugging Face Hub."""

import os
import pathlib
import re

from zoo.presets.layout import CARD_FILE, CONFIG_FILE, FILES, METADATA_FILE, SHARDS

_HANDLE = re.compile(r"hf://([\w.-]+/[\w.-]+)")


def upload_preset(folder: str | os.PathLike, handle: str) -> str:
    """Uploads a preset with its parts and its model card, in one commit.

    The repository has either all files of the preset or none of them, because the Hub publishes a
    commit as a whole. The function needs `huggingface_hub`, and a token that it finds (`hf auth
    login`, or the variable HF_TOKEN). `keras_hub.upload_preset` uploads the same folders, but it
    replaces the card of a new repository by a general one and deletes it from the folder.

    Args:
        folder: the preset's folder.
        handle: `hf://ORG/MODEL`, the name of the repository, which is created if it is missing.

    Returns:
        The address of the commit.

    Raises:
        ValueError: another handle, a folder without a preset, or a failed upload.
        ImportError: huggingface_hub is not installed; the message has the install command.

    Example:
    >>> from zoo.presets.upload import upload_preset
    >>> upload_preset("runs/NAME/preset", "hf://ORG/NAME")  # doctest: +SKIP
    """
    found = _HANDLE.fullmatch(handle)
    if not found:
        raise ValueError(f"{handle!r} must be hf://ORG/MODEL, the repository to upload to.")
    preset = pathlib.Path(folder)
    for name in (CONFIG_FILE, METADATA_FILE):
        if not (preset / name).is_file():
            raise ValueError(f"{preset} is not a preset: it has no {name}.")
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"{handle} needs huggingface_hub ({error}). Install it with: pip install "
            "huggingface_hub"
        ) from error
    api = huggingface_hub.HfApi()
    names = (*FILES, SHARDS)
    try:
        api.create_repo(found[1], exist_ok=True)
        commit = api.upload_folder(
            repo_id=found[1],
            folder_path=preset,
            allow_patterns=[*names, *(f"*/{name}" for name in names)],
            commit_message=f"Preset with {'its' if (preset / CARD_FILE).exists() else 'no'} card",
        )
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot upload {preset} to {handle}: {error}") from error
    return str(commit.commit_url)
