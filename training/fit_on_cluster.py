"""`python -m training.fit_on_cluster OPTIONS`: `training.fit` on one of the hosts of a platform.

Start the same command on each host. The hosts are read from the variables that the platform sets
(`training.cluster`), and the folders from those of Vertex AI (`training.vertex`).
"""

import json
import os
import pathlib
import shutil
import sys
from collections.abc import Sequence

from training import fit
from training.cluster import host_count, is_evaluator, tf_config, writes
from training.vertex import Folders, folders
from zoo.errors import UserError
from zoo.storage.address import is_remote


def main(arguments: Sequence[str], *, prog: str = "python -m training.fit_on_cluster") -> int:
    """Runs the command; returns the exit code of `training.fit`, or 0 on an evaluator."""
    if {"-h", "--help"} & set(arguments):
        return fit.main(arguments, prog=prog)
    try:
        config = tf_config(os.environ)
        places = folders(arguments, os.environ)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if is_evaluator(config):
        print("This host is an evaluator. The chief evaluates the run, so this host ends now.")
        return 0
    if host_count(config) > 1:
        os.environ["TF_CONFIG"] = json.dumps(config)
    try:
        return fit.main([*arguments, *places.words], prog=prog)
    finally:
        if writes(config):
            _copy_logs(places)


def _copy_logs(places: Folders) -> None:
    """Copies the TensorBoard logs of the run to the folder that Vertex AI reads."""
    if places.logs is None or places.run_dir is None:
        return
    # This imports TensorFlow, which must know the hosts first.
    from training.remote_run import local_folder

    remote = is_remote(places.run_dir)
    folder = local_folder(places.run_dir) if remote else pathlib.Path(places.run_dir).expanduser()
    source = folder / "logs"
    try:
        if source.is_dir():
            shutil.copytree(source, places.logs, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        print(f"Warning: the logs were not copied to {places.logs}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
