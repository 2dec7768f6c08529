"""What tables are made of; the measurements themselves are no tests."""

import json
import pathlib

import pytest
import tensorflow as tf

from benchmarks import compare, profile_step, results, scale, serving_table
from benchmarks.train_step import changes, means, ours, table
from benchmarks.train_step.cases import Case, Contender
from benchmarks.train_step.flops import count


def test_operations_of_a_convolution_its_gradients_and_a_product():
    def step(x, w, v):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.nn.conv2d(x, w, 2, "SAME")
        gradients = tape.gradient(y, [x, w])
        return gradients, tf.matmul(tf.reshape(y, [5, -1]), v, transpose_b=True)

    shapes = [tf.zeros([5, 8, 8, 3]), tf.zeros([3, 3, 3, 7]), tf.zeros([11, 112])]
    traced = tf.function(step).get_concrete_function(*shapes)
    one = 2 * 5 * 4 * 4 * 3 * 3 * 3 * 7
    assert count(traced) == 3 * one + 2 * 5 * 112 * 11
    unknown = tf.function(tf.nn.conv2d).get_concrete_function(
        tf.TensorSpec([None, 8, 8, 3]), tf.zeros([3, 3, 3, 7]), strides=1, padding="SAME"
    )
    with pytest.raises(ValueError, match="not known"):
        count(unknown)


def test_gradients_that_are_not_asked_for_do_not_count():
    def gradient(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.nn.conv2d(x, w, 2, "SAME")
        return tape.gradient(y, x)

    traced = tf.function(gradient).get_concrete_function(
        tf.zeros([5, 8, 8, 3]), tf.zeros([3, 3, 3, 7])
    )
    # The gradient of a convolution does not need what the convolution gave.
    assert count(traced) == 2 * 5 * 4 * 4 * 3 * 3 * 3 * 7


def test_operations_of_called_functions_count_and_loops_are_refused():
    product = tf.function(lambda x: x @ x, jit_compile=True)
    traced = tf.function(lambda x: product(product(x))).get_concrete_function(tf.zeros([4, 4]))
    assert count(traced) == 2 * 2 * 4**3

    @tf.function
    def loop(x, times):
        for _ in tf.range(times):
            x = x @ x
        return x

    with pytest.raises(ValueError, match="loop"):
        count(loop.get_concrete_function(tf.zeros([4, 4]), tf.constant(3)))


def test_the_time_of_an_operation_leaves_out_the_operations_inside_it():
    events = [(0, 10, "run"), (1, 4, "a/b:Conv2D"), (5, 5, "a/c:Conv2D"), (12, 3, "fusion.12")]
    assert profile_step.self_times(reversed(events)) == [
        ("run", 1),
        ("a/b:Conv2D", 4),
        ("a/c:Conv2D", 5),
        ("fusion.12", 3),
    ]
    kinds = [profile_step.kind_of(name) for _, _, name in events]
    assert kinds == ["run", "Conv2D", "Conv2D", "fusion"]
    assert profile_step.kind_of("ExecutorState::Process") == profile_step.LAUNCHING


def test_a_profile_names_the_products_of_a_function():
    product = tf.function(lambda: tf.random.normal([300, 300]) @ tf.random.normal([300, 300]))
    product()
    profile = profile_step.profile_step(product, calls=3)
    assert any("MatMul" in kind for kind in profile.kinds)
    text = profile_step.table(profile, steps=3, top=4)
    assert "MatMul" in text and "kinds in all" in text


def timed(**speeds):
    rows = [
        {
            "contender": name.replace("_", " "),
            "images_per_second": rounds[len(rounds) // 2] if rounds else 0.0,
            "rounds": rounds,
            "peak_megabytes": 1500.0,
            "failed": "" if rounds else "RuntimeError: no",
            "first_call_seconds": 2.0,
        }
        for name, rounds in speeds.items()
    ]
    check = {"flops": 32e9}
    return {
        "machine": "a machine",
        "rounds": 3,
        "seconds": 2.0,
        "matrix_rate": {"float32": 100e9},
        "cases": [{"case": "gan, dcgan", "check": check, "rows": rows}],
    }


def test_the_table_of_steps():
    document = timed(
        ours=[90.0, 100.0, 110.0],
        plain_Keras=[50.0],
        Keras_with_oneDNN=[62.5],
        PyTorch=[80.0],
        PyTorch_x=[],
    )
    text = table.render(document)
    assert "100 (2 s, 1,500 MB)" in text and "| fails" in text
    # 100 images/s of 0.5 GFLOP each are 50 of 100 GFLOP/s.
    (row,) = [line for line in text.splitlines() if "1.25" in line and "gan," in line]
    assert [cell.strip() for cell in row.split("|")[2:6]] == ["1.25", "2.00", "1.60", "0.50"]


def test_the_table_of_steps_compares_precisions_separately():
    document = timed(
        ours=[100.0],
        ours_bfloat16=[150.0],
        plain_Keras=[50.0],
        Keras_with_oneDNN=[62.5],
        PyTorch=[80.0],
        PyTorch_bfloat16=[100.0],
    )
    text = table.render(document)
    (row,) = [line for line in text.splitlines() if "1.25" in line and "gan," in line]
    cells = [cell.strip() for cell in row.split("|")[2:7]]
    assert cells == ["1.25", "2.00", "1.60", "0.50", "1.50"]
    assert "| best PyTorch, both in bfloat16" in text


def test_the_table_of_steps_on_a_gpu(tmp_path, capsys):
    document = timed(
        ours=[300.0], two_devices=[150.0], plain_Keras=[100.0], Keras_with_XLA=[200.0], PyTorch=[60]
    )
    document |= {"gpu": "a card, driver 1"}
    document["cases"][0]["batch"] = 128
    (tmp_path / "gpu.json").write_text(json.dumps(document))
    assert table.main([str(tmp_path / "gpu.json")]) == 0
    text = capsys.readouterr().out
    assert "Machine: a card, driver 1" in text
    # 300 images/s of 0.25 GFLOP each are 75 of 100 GFLOP/s.
    (row,) = [line for line in text.splitlines() if "5.00" in line and "gan," in line]
    assert [cell.strip() for cell in row.split("|")[2:6]] == ["5.00", "1.50", "2.00", "0.75"]


def test_two_files_are_compared(tmp_path, capsys):
    for name, rounds in (("a", [10.0, 20.0, 40.0]), ("b", [30.0, 40.0, 50.0])):
        (tmp_path / name).write_text(json.dumps(timed(ours=rounds, PyTorch=[])))
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert [cell.strip() for cell in line.split("|")[2:6]] == ["ours", "2.00", "0.75", "5.00"]
    (tmp_path / "c").write_text("{}")
    with pytest.raises(SystemExit, match="not a file of"):
        compare.main([str(tmp_path / "a"), str(tmp_path / "c")])


def test_the_table_of_answers():
    speed = {
        "way": "REST",
        "signature": "generate_png",
        "size": 64,
        "mode": "alone",
        "per_second": 1234.5,
        "p50": 10.0,
        "p99": 20.0,
        "errors": 2,
    }
    peer = {**speed, "way": "KServe", "mode": "", "per_second": 100.0, "errors": 0}
    text = serving_table.render([{"model": "m", "machine": "x", "speeds": [speed, peer]}])
    assert "1,234 (10.0 / 20.0)" in text and "Failed requests: 2" in text
    assert "REST at 64 clients is 12.35 x KServe" in text


def test_a_run_is_measured_when_its_own_row_is_there(tmp_path):
    path, run = tmp_path / "x.jsonl", pathlib.Path("runs/x/a/seed-0")
    assert not results.measured(path, run / "preset")
    path.write_text(json.dumps({"evaluated": "runs/x/a/seed-0/control/preset"}) + "\n")
    assert not results.measured(path, run / "preset")
    path.write_text(json.dumps({"evaluated": "runs/x/a/seed-0/preset"}) + "\n")
    assert results.measured(path, run / "preset")
    assert not results.measured(path, run.with_name("seed-1") / "preset")


def test_the_table_of_means():
    def row(means, *gains, base="as it is", failed=""):
        found = {"gain": gains[0], "least": gains[1], "most": gains[2]} if gains else {}
        return {"means": means, "base": base, "failed": failed, **found}

    bases = {
        "lsgan": [row("as it is", 1.0, 1.0, 1.0), row("XLA", 1.5, 1.4, 1.625)],
        "wgan_gp": [
            row("as it is", 1.0, 1.0, 1.0),
            row("XLA", failed="no"),
            row("x", 2.0, 1.0, 3.0),
        ],
    }
    text = table.render_means({"machine": "a machine", "seconds": 1.5, "bases": bases})
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[4:]]
    assert lines == [
        ["XLA", "as it is", "1.50 (1.40 to 1.62)", "fails"],
        ["x", "as it is", "", "2.00 (1.00 to 3.00)"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model", means.BASES)
def test_means_that_only_rearrange_a_step_take_the_same_step(model):
    name, options = means.BASES[model]
    small = {"generator_filters": 8, "critic_filters": 4, "generator_normalization": "layer"}

    def logs_after(change, **more):
        case = Case(name, "dcgan", {**options, **small, **more})
        step = ours.Step(case, Contender("", "ours"), change=change)
        logs = [step.model.train_function(step.iterator) for _ in range(2)]
        return {name: float(value) for name, value in logs[-1].items()}

    plain = logs_after(None)
    for change in (changes.joint_pass, changes.fused_adam):
        assert logs_after(change) == pytest.approx(plain, rel=1e-4, abs=1e-6), change
    if model == "several":
        assert logs_after(changes.one_pass) == pytest.approx(plain, rel=1e-4, abs=1e-6)
    else:
        shared = logs_after(None, shared_latents=True)
        kept = logs_after(changes.kept_tape, shared_latents=True)
        assert kept == pytest.approx({name: shared[name] for name in kept}, rel=1e-4, abs=1e-6)


def test_how_a_cost_grows():
    rows = [{"value": v, "seconds": 3.0 * v**2, "megabytes": 5.0 * v} for v in (1, 10, 100)]
    assert scale.growth(rows, "seconds") == pytest.approx(2.0)
    assert scale.growth(rows, "megabytes") == pytest.approx(1.0)
