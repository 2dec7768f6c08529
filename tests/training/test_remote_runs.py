"""Runs whose folder is on an object store."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import uuid

import fsspec
import numpy as np
import pytest

from export.saved_model import find_preset, served_name
from tests.support.object_store import SETTINGS, Faults, s3_server
from training import evaluate, report, sample
from training.evaluation_targets import find_targets
from training.fit import main
from training.remote_run import add_remote_scores, local_folder
from zoo.presets import handles
from zoo.storage.download import fetch
from zoo.storage.lock import StoreLock
from zoo.storage.manifest import MANIFEST, read_manifest
from zoo.storage.store import Store
from zoo.storage.upload import Uploader
from zoo.tasks import ImageGenerator

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5", "--jit", "off"]
LSGAN = ["--model", "lsgan", "--batch-size", "16", "--report-every", "5", *TINY]
QUICK = [*LSGAN, "--checkpoint-every", "5", "--steps", "10"]
KILLED = """
import sys
from tests.support.object_store import kill_after
kill_after(int(sys.argv[1]))
from training.fit import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(handles, "CACHE", tmp_path / "presets")
    use_machine(tmp_path, monkeypatch, "one")
    return tmp_path


def use_machine(folder, monkeypatch, name):
    """Gives the next commands the caches of another machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / name))


@pytest.fixture
def address():
    return f"memory://bucket/{uuid.uuid4().hex}/run"


def newest(folder: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(max((folder / "checkpoints").glob("step-*.npz"))) as arrays:
        return {name: arrays[name] for name in arrays.files}


def assert_equal_ends(left: pathlib.Path, right: pathlib.Path) -> None:
    one, two = newest(left), newest(right)
    assert one.keys() == two.keys() and one["model/step"] == two["model/step"]
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.fixture(scope="module")
def through(tmp_path_factory):
    """The same run in a local folder, without interruption."""
    folder = tmp_path_factory.mktemp("through") / "run"
    assert main([*QUICK, "--run-dir", str(folder)]) == 0
    return folder


def test_a_run_equals_a_local_one_and_commands_take_its_address(
    address, through, places, monkeypatch, capsys
):
    assert main([*QUICK, "--run-dir", f"{address}/"]) == 0
    assert address in capsys.readouterr().out
    store = Store(address)
    files = read_manifest(store).files
    assert {"recipe.json", "result.json", "preset/config.json", "scores.jsonl"} <= set(files)
    assert not any(name.startswith("run.lock") for name in files)
    assert_equal_ends(fetch(address, places / "copy"), through)
    # A finished run is not trained again, on another machine either.
    use_machine(places, monkeypatch, "two")
    assert main([*QUICK, "--run-dir", address]) == 0
    assert "is finished" in capsys.readouterr().out
    # The commands that read a run.
    images = ImageGenerator.from_preset(f"{address}/preset").generate(2, seed=0)
    local = ImageGenerator.from_preset(str(through / "preset")).generate(2, seed=0)
    np.testing.assert_array_equal(images, local)
    assert sample.main([address, "--grid", "1x2", "--out", "two.png"]) == 0
    assert served_name(address, None) == "run"
    assert pathlib.Path(find_preset(address)).name == "preset"
    row = {"key": "fid[1]", "metric": "fid", "values": {"fid": 1.5}, "value": 1.5}
    (target,) = find_targets(address)
    assert target.address == address and target.described["evaluated"] == f"{address}/preset"
    add_remote_scores(target.address, [row | target.described])
    arguments = ["--metrics", "pr", "--samples", "64", "--no-cache"]
    assert evaluate.main([address, *arguments]) == 0, capsys.readouterr().err
    (target,) = find_targets(address)
    rows = [json.loads(line) for line in target.run.scores.read_text().splitlines()]
    assert [one["metric"] for one in rows if "metric" in one] == ["fid", "pr"]
    assert rows[-1]["evaluated"] == f"{address}/preset"
    capsys.readouterr()
    assert report.main([address]) == 0
    assert "1.5" in capsys.readouterr().out
    # It is lengthened from the scores that were added.
    assert main([*QUICK[:-1], "15", "--run-dir", address]) == 0
    assert "Going on from step 10." in capsys.readouterr().out
    text = (fetch(address, places / "copy") / "scores.jsonl").read_text()
    assert [json.loads(line).get("key") for line in text.splitlines()].count("fid[1]") == 1


def test_failed_uploads_end_nothing_and_are_tried_again(
    address, through, places, monkeypatch, capsys
):
    faults = Faults(monkeypatch)
    faults.fail_after(3)
    assert main([*QUICK, "--run-dir", address]) == 2
    said = capsys.readouterr()
    assert said.err.count("Warning: Cannot write") >= 1 and "Traceback" not in said.err
    folder = local_folder(address)
    (last,) = [line for line in said.err.splitlines() if line.startswith("error:")]
    assert str(folder) in last and "same command again" in last and address in last
    assert_equal_ends(folder, through)
    with pytest.raises(ValueError, match="No complete run"):
        fetch(address, places / "copy")
    faults.fail_after(None)
    assert main([*QUICK, "--run-dir", address]) == 0
    assert "is finished" in capsys.readouterr().out
    assert_equal_ends(fetch(address, places / "copy"), through)


def test_sigterm_uploads_the_state_and_another_machine_resumes(
    address, through, places, monkeypatch, capsys
):
    write = Store.write

    def stopping(self, name, content):
        write(self, name, content)
        if name == MANIFEST:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", stopping)
        assert main([*QUICK, "--run-dir", address]) == 0
    assert "the state is saved" in capsys.readouterr().out
    assert not Store(address).names("zoo.lock")
    use_machine(places, monkeypatch, "two")
    assert main([*QUICK, "--run-dir", address]) == 0
    assert "Going on from step" in capsys.readouterr().out
    assert_equal_ends(fetch(address, places / "copy"), through)
    # The first machine has nothing that was not uploaded, so it takes the newer state.
    use_machine(places, monkeypatch, "one")
    assert main([*QUICK, "--run-dir", address]) == 0
    said = capsys.readouterr()
    assert "is finished" in said.out and "kept in" not in said.err


def test_local_files_are_kept_if_another_machine_has_continued(
    address, places, monkeypatch, capsys
):
    short = [*LSGAN, "--checkpoint-every", "5", "--steps", "5", "--run-dir", address]
    assert main(short) == 0
    (local_folder(address) / "scores.jsonl").write_text("{}\n")
    use_machine(places, monkeypatch, "two")
    add_remote_scores(address, [{"note": 1}])
    use_machine(places, monkeypatch, "one")
    capsys.readouterr()
    assert main(short) == 0
    assert "the local files are kept in" in capsys.readouterr().err
    (aside,) = local_folder(address).parent.glob("run.before-*")
    assert (aside / "scores.jsonl").read_text() == "{}\n"
    assert '{"note": 1}' in (local_folder(address) / "scores.jsonl").read_text()


def test_two_processes(address, capsys):
    with StoreLock(Store(address)):
        assert main([*QUICK, "--run-dir", address]) == 2
    assert f"is being written by process {os.getpid()}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run_dir", "message"),
    [
        ("nonsense://bucket/run", "nonsense:// is not a known scheme"),
        ("s3://", "type s3://BUCKET/FOLDER"),
        ("gs://bucket/run", "needs a package that is not installed.*pip install gcsfs"),
        ("memory://bucket/photos", "holds objects of something else"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_before_data_are_read(
    run_dir, message, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    Store("memory://bucket/photos").write("cat.png", b"1")
    assert main([*QUICK, "--data", "no-such-data", "--run-dir", run_dir]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and said.startswith("error: ")
    assert re.search(message, said)


def test_several_hosts_and_exports_to_addresses_are_refused(address, monkeypatch, capsys):
    assert main([*QUICK, "--export", "s3://bucket/served"]) == 2
    assert "give a local folder" in capsys.readouterr().err
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert main([*QUICK, "--run-dir", address]) == 2
    assert "is for a run on one host" in capsys.readouterr().err


@pytest.fixture(scope="module")
def server():
    with s3_server():
        yield


@pytest.fixture(scope="module")
def uploads(server, tmp_path_factory):
    """The number of writes until the first and until the second upload of the run has ended."""
    with pytest.MonkeyPatch.context() as patch:
        use_machine(tmp_path_factory.mktemp("counted"), patch, "one")
        counted, whole = Faults(patch), f"s3://bucket/{uuid.uuid4().hex}/run"
        assert main([*QUICK, "--run-dir", whole]) == 0
        return [n for n, name in enumerate(counted.writes, 1) if name == MANIFEST][:2]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_killed_in_the_second_upload_it_resumes_on_another_machine(
    share, uploads, through, places, monkeypatch
):
    """SIGKILL before the first, a middle and the last write of the second upload, on a server."""
    first, second = uploads
    address = f"s3://bucket/{uuid.uuid4().hex}/run"
    use_machine(places, monkeypatch, "killed")
    writes = str(first + int(share * (second - first)))
    command = [sys.executable, "-c", KILLED, writes, *QUICK, "--run-dir", address]
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert newest(fetch(address, places / "after"))["model/step"] == 5
    use_machine(places, monkeypatch, "two")
    assert main([*QUICK, "--run-dir", address]) == 0
    assert_equal_ends(fetch(address, places / "copy"), through)


def test_a_missing_bucket_and_missing_credentials(server, monkeypatch, capsys):
    command = [*QUICK, "--data", "no-such-data", "--run-dir"]
    assert main([*command, "s3://nowhere/run"]) == 2
    assert "Cannot write s3://nowhere/run/zoo.lock: the object or bucket" in capsys.readouterr().err
    for name in SETTINGS:
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clients = fsspec.get_filesystem_class("s3")
    clients.clear_instance_cache()
    assert main([*command, "s3://bucket/run"]) == 2
    clients.clear_instance_cache()
    assert "zoo.lock: Unable to locate credentials." in capsys.readouterr().err


def test_a_damaged_run_is_refused_and_nothing_is_changed(address, places, capsys):
    (places / "run" / "checkpoints").mkdir(parents=True)
    for name in ("recipe.json", "checkpoints/step-000000005-0.npz"):
        (places / "run" / name).write_text("{}")
    store = Store(address)
    Uploader(store, places / "run", None).upload()
    name = "checkpoints/step-000000005-0.npz"
    store.write(read_manifest(store).files[name].place(name), b"{")
    before = store.names()
    assert main([*QUICK, "--data", "no-such-data", "--run-dir", address]) == 2
    assert re.search(f"{name} is damaged: it has 1 bytes", capsys.readouterr().err)
    assert store.names() == before and not local_folder(address).exists()
