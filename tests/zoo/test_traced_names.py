"""A compiled function is found in XLA's cache, whatever the process has traced before."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
import tensorflow as tf
from zoo.traced_names import round_up_names

for i in range(int(sys.argv[1])):
    tf.function(lambda x: x + i)(1.0)
weight = tf.Variable(tf.ones([8, 8]))

@tf.function(jit_compile=True)
def step(x):
    return tf.tanh(x @ weight)

@tf.function
def call(x):
    if sys.argv[2] == "fixed":
        round_up_names()
    return step(x)

call(tf.ones([8, 8]))
"""


FIT = """
import sys
from zoo.environment import prepare_tensorflow

prepare_tensorflow()
import tensorflow as tf
from training.fit import main

for i in range(int(sys.argv[1])):
    tf.function(lambda x: x + i)(1.0)
options = "--generator-filters 8 --critic-filters 4 --latent-dim 5 --batch-size 16 --jit on"
words = f"--model lsgan --data digits --steps 2 --report-every 2 {options}".split()
raise SystemExit(main([*words, "--run-dir", sys.argv[2]]))
"""


@pytest.mark.slow
def test_a_run_finds_the_step_that_another_one_compiled(tmp_path):
    for traced in ("0", "3"):
        done = subprocess.run(
            [sys.executable, "-c", FIT, traced, str(tmp_path / traced)],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "XLA compiles the step" in done.stdout and "first step is done" in done.stdout
    names = [path.name for path in tmp_path.rglob("xla_compile_cache*")]
    assert len(names) == 1


@pytest.mark.parametrize(
    ("names", "files"), [("fixed", 1), pytest.param("usual", 2, marks=pytest.mark.slow)]
)
def test_the_key_does_not_contain_the_number_of_functions(names, files, tmp_path):
    flags = f"--tf_xla_persistent_cache_directory={tmp_path}"
    for traced in ("0", "3"):
        subprocess.run(
            [sys.executable, "-c", CODE, traced, names],
            env={**os.environ, "TF_XLA_FLAGS": flags},
            check=True,
            capture_output=True,
        )
    assert len(list(tmp_path.glob("xla_compile_cache*"))) == files
