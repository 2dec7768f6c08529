"""Penalties that are computed in some steps only, or whose weight changes during a run."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import tensorflow as tf

from zoo.options import StepOptions
from zoo.penalties.penalty import Penalised, Penalty
from zoo.schedules import half_cosine

_skips: contextvars.ContextVar[bool] = contextvars.ContextVar("skips_penalty", default=False)


def check_schedule(penalty: Penalty | None, options: StepOptions, *, run_steps: int) -> None:
    """Checks that the schedules of a step are possible for the penalty and the run.

    Args:
        penalty: the penalty of the model; None for none.
        options: options of the step.
        run_steps: int, length of the run; 0 if it is unknown.

    Raises:
        ValueError: they are not; the message states the reason.
    """
    every, final = options.penalty_every, options.final_penalty_weight
    name = type(penalty).__name__
    if every > 1 and (penalty is None or not penalty.is_skippable):
        raise ValueError(
            f"`penalty_every` {every} needs a penalty on a mean over images, such as gp, r1 or "
            + ("r1_r2." if penalty is None else f"r1_r2: {name} acts in every step.")
        )
    if final is not None and (penalty is None or not (penalty.is_proportional and penalty.weight)):
        raise ValueError(
            f"`final_penalty_weight` {final} needs a penalty with a weight above 0 that may "
            "change, such as gp, r1_r2 or max_gp" + ("." if penalty is None else f", not {name}.")
        )
    scheduled = final is not None or options.ema_half_life is not None
    if options.burn_in is not None and scheduled and not run_steps:
        raise ValueError("`burn_in` is a share of `run_steps`: give `run_steps`.")


def is_due(step: tf.Tensor, options: StepOptions) -> tf.Tensor:
    """Returns whether a step has the penalty: boolean scalar.

    Args:
        step: int64 scalar, the number of steps taken so far.
        options: options of the step.
    """
    return tf.equal(step % options.penalty_every, 0)


@contextlib.contextmanager
def without_penalty() -> Iterator[None]:
    """Context in which `scheduled_penalty` returns zeros."""
    token = _skips.set(True)
    try:
        yield
    finally:
        _skips.reset(token)


def scheduled_penalty(
    penalty: Penalty,
    compute: Callable[[], Penalised],
    options: StepOptions,
    *,
    step: tf.Tensor | int,
    rows: tf.Tensor,
    run_steps: int,
) -> Penalised:
    """Computes a penalty with the weight of this step; returns zeros in `without_penalty`.

    With `penalty_every` k, steps 0, k, 2k, ... have k times the term and k times the logged values,
    and the other steps have zeros. Means over many steps are thus those of a penalty in every step.

    Args:
        penalty: the penalty.
        compute: calls `penalty.terms`.
        options: options of the step.
        step: int64 scalar, the number of steps taken so far.
        rows: int32 scalar, b, the number of rows of this replica.
        run_steps: int, length of the run; the burn-in is a share of it.

    Source: lazy regularisation follows Karras et al., arXiv 1912.04958, section 3.1.
    """
    every, final = options.penalty_every, options.final_penalty_weight
    if _skips.get():
        zeros = {name: tf.zeros([rows]) for name in penalty.logged}
        return Penalised({"penalty": zeros.pop("penalty")}, zeros, {})
    if every == 1 and final is None:
        return compute()
    factor = tf.constant(float(every))
    if final is not None:
        burn_in = options.burn_in_steps(run_steps)
        factor *= half_cosine(step, first=1.0, last=final / penalty.weight, steps=burn_in)
    result = compute()
    terms = {name: factor * values for name, values in result.terms.items()}
    logs = {name: every * values for name, values in result.logs.items()}
    return Penalised(terms, logs, result.found)
