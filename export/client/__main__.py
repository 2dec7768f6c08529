"""`python -m export.client generate|classify`: sends requests to a served model."""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import PIL.Image
import tyro

from export.client import Client, GrpcClient
from export.client.errors import ClientError
from export.client.image_file import read_image
from export.client.model_client import ModelClient
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Connection:
    """The model to send requests to."""

    name: str
    """Name of the model."""
    version: int | None = None
    """Version of the model; by default the newest."""
    url: str = "http://localhost:8501"
    """Address of the REST API."""
    grpc: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None
    """Address of the gRPC API, which replaces the REST API."""

    def client(self) -> ModelClient:
        """Returns a client of the model."""
        if self.grpc:
            return GrpcClient(self.grpc, self.name, version=self.version)
        return Client(self.url, self.name, version=self.version)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Generate(Connection):
    """Generates images and writes them as PNG files."""

    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1
    """Number of images."""
    seed: int = 0
    """Seed of the first image."""
    label: int | None = None
    """Class of the images, for a generator with labels."""
    truncation: float | None = None
    """Number in (0, 1]; smaller values give less varied images."""
    out: str = "."
    """Folder to write to."""

    def run(self) -> None:
        """Writes the images and prints their paths."""
        if self.count < 1:
            raise UserError(f"-n must be at least 1, given {self.count}.")
        client = self.client()
        seeds = self.seed + np.arange(self.count)
        signatures = client.signatures()
        if "generate" not in signatures:
            raise UserError(
                f"{self.name} is not a generator. Its signatures are {', '.join(signatures)}."
            )
        has_labels = "label" in signatures["generate"][0]
        if has_labels and self.label is None:
            raise UserError(f"{self.name} generates images of a class. Give it with --label.")
        if self.label is not None and not has_labels:
            raise UserError(f"{self.name} has no classes. Leave out --label.")
        labels = np.full(self.count, self.label) if has_labels else None
        images = client.generate(seeds, labels=labels, truncation=self.truncation)
        folder = pathlib.Path(self.out)
        folder.mkdir(parents=True, exist_ok=True)
        for seed, image in zip(seeds, images, strict=True):
            path = folder / f"{self.name}-{seed}.png"
            PIL.Image.fromarray(image.squeeze()).save(path)
            print(path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classify(Connection):
    """Classifies image files."""

    images: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="FILE...", help_behavior_hint="(at least one)"),
    ]
    """Image files."""

    def run(self) -> None:
        """Prints file, class and probability, one line per image."""
        if not self.images:
            raise UserError("Give the image files to classify.")
        images = [read_image(path) for path in self.images]
        client = self.client()
        if "image_bytes" not in client.signatures():
            raise UserError(f"{self.name} does not classify image files.")
        answers = zip(client.predict(images), client.classify(images), strict=True)
        for path, (probabilities, name) in zip(self.images, answers, strict=True):
            print(f"{path}\t{name}\t{probabilities.max():.4f}")


def main(arguments: Sequence[str], *, prog: str = "python -m export.client") -> int:
    """Runs the command; returns the exit code: 0, or 2 for a mistake or a failed request."""
    command = tyro.extras.subcommand_cli_from_dict(
        {"generate": Generate, "classify": Classify},
        args=arguments,
        prog=prog,
        description="Sends requests to a served model.",
    )
    try:
        command.run()
    except (UserError, ClientError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
