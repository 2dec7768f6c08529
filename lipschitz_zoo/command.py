"""`lipschitz-zoo COMMAND`: runs a command of `training` or `export`.

The same commands run as `python -m training.fit` and so on. The script does not search the current
folder for modules, so a folder there named `zoo` or `training` is not in its way.
"""

import importlib
import sys
from collections.abc import Sequence

from zoo.names import unknown_name

COMMANDS = {
    "fit": ("training.fit", "train a model, or resume a run"),
    "evaluate": ("training.evaluate", "measure a run or a preset"),
    "sample": ("training.sample", "draw images from a generator"),
    "report": ("training.report", "compare runs in tables or an HTML page"),
    "watch": ("training.watch", "follow a run on a page in the browser"),
    "cache": ("training.cache", "list or clear the caches"),
    "export": ("export.__main__", "write SavedModels for TF Serving, ONNX or LiteRT"),
    "serve": ("export.serve", "serve exported models over REST and gRPC"),
    "play": ("export.play", "try presets or runs on a page in the browser"),
    "client": ("export.client.__main__", "send requests to a server"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command named by the first argument; returns its exit code."""
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print("usage: lipschitz-zoo COMMAND [options]\n")
        for command, (_, meaning) in COMMANDS.items():
            print(f"  {command:<10}{meaning}")
        print("\nOptions of a command: lipschitz-zoo COMMAND --help")
        return 0
    if name not in COMMANDS:
        print(f"error: {unknown_name('command', name, COMMANDS)}", file=sys.stderr)
        return 2
    return importlib.import_module(COMMANDS[name][0]).main(rest, prog=f"lipschitz-zoo {name}")
