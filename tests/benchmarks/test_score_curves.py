"""FID against images and seconds, from the TensorBoard files of runs."""

import pytest
import tensorflow as tf

from benchmarks.score_curves import plot, read_run
from zoo.errors import UserError


def write(run, **curves):
    with tf.summary.create_file_writer(str(run / "logs" / "train")).as_default():
        for name, values in curves.items():
            for place, value in enumerate(values):
                tf.summary.scalar(name, value, step=10 * (place + 1))


def test_seconds_are_those_of_the_steps(tmp_path):
    run = tmp_path / "gan" / "seed-0"
    write(run, kimg=[1.0, 2.0], images_per_second=[100.0, 50.0], score_fid=[9.0, 5.0])
    thousands, seconds, values = read_run(run)
    assert list(thousands) == [1.0, 2.0]
    assert list(seconds) == [10.0, 30.0]
    assert list(values) == [9.0, 5.0]
    (run / "recipe.json").touch()
    figure = plot([run.parent])
    labels = [axis.get_xlabel() for axis in figure.axes]
    assert labels == ["thousand real images", "seconds of training"]


def test_a_row_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="must have runs"):
        plot([tmp_path / "missing"])


def test_a_run_without_fid_is_refused(tmp_path):
    write(tmp_path, kimg=[1.0])
    with pytest.raises(UserError, match="--score-metrics fid"):
        read_run(tmp_path)
