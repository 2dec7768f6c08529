"""Tests of the generator of hostile inputs: cases repeat, and outcomes are judged rightly."""

import sys
import time

import pytest

from benchmarks.hostile import judging
from benchmarks.hostile.__main__ import KINDS, run_case
from benchmarks.hostile.judging import FAILED, REFUSED, SUCCESS, Case, judge
from zoo.errors import UserError


def raising(error: BaseException):
    def action() -> None:
        raise error

    return action


def printing(text: str, code: int):
    def action() -> int:
        print(text, file=sys.stderr)
        return code

    return action


@pytest.mark.parametrize(
    ("action", "verdict", "message"),
    [
        (lambda: None, SUCCESS, ""),
        (lambda: 0, SUCCESS, ""),
        (printing("error: give a folder", 2), REFUSED, "error: give a folder\n"),
        (raising(UserError("Give a folder.")), REFUSED, "Give a folder."),
        (raising(SystemExit(0)), SUCCESS, ""),
        (raising(UserError("no")), FAILED, "a refusal without a sentence: 'no'"),
        (raising(UserError("x" * 9999)), FAILED, "a message of 9,999 characters"),
        (raising(ValueError("shape")), FAILED, "ValueError: shape"),
        (printing("Traceback (most recent call last)", 0), FAILED, "Traceback (most"),
        (printing("", 2), FAILED, "a refusal without a sentence"),
        (printing("lost", 1), FAILED, "exit code 1: lost"),
    ],
)
def test_outcomes_are_judged(action, verdict, message):
    outcome = judge(Case("case", action))
    assert outcome.verdict == verdict and outcome.message.startswith(message)


def test_an_action_without_an_end_is_stopped(monkeypatch):
    monkeypatch.setattr(judging, "SECONDS", 1)
    outcome = judge(Case("sleep", lambda: time.sleep(60)))
    assert (outcome.verdict, outcome.message) == (FAILED, "no answer within 1 s")


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_is_determined_by_its_seed_and_number(kind):
    number = list(KINDS).index(kind)
    (first_kind, first, one), (_, second, two) = run_case(5, number), run_case(5, number)
    assert first_kind == kind and one.verdict == two.verdict
    # Temporary folders have other names.
    assert len(first.title) == len(second.title)
