"""The wheel works on its own: outside of the checkout, next to folders with the packages' names."""

import pathlib
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def run(*command: str | pathlib.Path, cwd: pathlib.Path, path: pathlib.Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={"PYTHONPATH": str(path), "HOME": str(cwd), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed wheel, made of the files that git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    archive = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    source = folder / "source"
    with tarfile.open(folder / "source.tar", "w") as tar:
        for name in filter(None, archive.split("\0")):
            if (ROOT / name).exists() and not name.startswith(("tests/", "docs/")):
                tar.add(ROOT / name, name)
    with tarfile.open(folder / "source.tar") as tar:
        tar.extractall(source, filter="data")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def test_a_preset_loads_from_an_empty_folder(installed, tmp_path):
    code = (
        "import zoo, sys; "
        "print(zoo.__file__, zoo.ImageGenerator.from_preset('gan_fashion_mnist')"
        ".generate(2, seed=0).shape)"
    )
    said = run(sys.executable, "-c", code, cwd=tmp_path, path=installed)
    assert str(installed) in said and "(2, 28, 28, 1)" in said


def test_the_command_is_not_shadowed_by_folders_of_the_user(installed, tmp_path):
    for name in ("zoo", "training", "export"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    script = installed / "bin" / "lipschitz-zoo"
    said = run(sys.executable, script, "fit", "--help", cwd=tmp_path, path=installed)
    assert "ConditionalLossSensitiveGAN" in said
