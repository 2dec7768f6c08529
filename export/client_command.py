"""`python -m export.client generate|classify`: a served model from the command line."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
import PIL.Image

from export.client import Client, GrpcClient, ModelClient
from export.client_errors import ClientError
from zoo.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks the server, writes or prints what it says, and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        client = _client(options)
        if options.command == "generate":
            _generate(client, options)
        else:
            _classify(client, options)
    except (UserError, ClientError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _client(options: argparse.Namespace) -> ModelClient:
    if options.grpc:
        return GrpcClient(options.grpc, options.name, version=options.version)
    return Client(options.url, options.name, version=options.version)


def _generate(client: ModelClient, options: argparse.Namespace) -> None:
    if options.n < 1:
        raise UserError(f"-n must be at least 1, received {options.n}.")
    seeds = options.seed + np.arange(options.n)
    signatures = client.signatures()
    if "generate" not in signatures:
        raise UserError(f"{options.name} is no generator: it serves {', '.join(signatures)}.")
    conditional = "label" in signatures["generate"][0]
    if conditional and options.label is None:
        raise UserError(f"{options.name} makes images of a class: give --label.")
    if options.label is not None and not conditional:
        raise UserError(f"{options.name} knows no classes; leave --label out.")
    labels = np.full(options.n, options.label) if conditional else None
    images = client.generate(seeds, labels=labels, truncation=options.truncation)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    for seed, image in zip(seeds, images, strict=True):
        path = folder / f"{options.name}-{seed}.png"
        PIL.Image.fromarray(image.squeeze()).save(path)
        print(path)


def _classify(client: ModelClient, options: argparse.Namespace) -> None:
    images = [_read(path) for path in options.images]
    if "image_bytes" not in client.signatures():
        raise UserError(f"{options.name} does not classify image files.")
    answer = zip(client.predict(images), client.classify(images), strict=True)
    for path, (probabilities, name) in zip(options.images, answer, strict=True):
        print(f"{path}\t{name}\t{probabilities.max():.4f}")


def _read(path: str) -> np.ndarray:
    try:
        with PIL.Image.open(path) as image:
            grey = image.mode in ("1", "L")
            pixels = np.asarray(image.convert("L" if grey else "RGB"))
    except PIL.UnidentifiedImageError:
        raise UserError(f"{path} is no image file that can be read.") from None
    return pixels[..., np.newaxis] if grey else pixels


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.client", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write images as PNG files")
    generate.add_argument("-n", type=int, default=1, help="how many images")
    generate.add_argument("--seed", type=int, default=0, help="the first image's seed")
    generate.add_argument("--label", type=int, help="the class, for a conditional generator")
    generate.add_argument("--truncation", type=float, help="in (0, 1]: less varied images")
    generate.add_argument("--out", default=".", help="the folder to write to")
    classify = commands.add_parser("classify", help="print file, class and probability")
    classify.add_argument("images", nargs="+", metavar="FILE", help="image files")
    for command in (generate, classify):
        command.add_argument("--name", required=True, help="the model's name")
        command.add_argument("--version", type=int, help="its version (default: the newest)")
        command.add_argument("--url", default="http://localhost:8501", help="the REST server")
        command.add_argument("--grpc", metavar="HOST:PORT", help="ask by gRPC instead")
    return parser
