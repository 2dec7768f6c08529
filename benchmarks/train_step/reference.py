"""Checks that all do the same work, and counts it; in a process of its own, started by the command.

`python -m benchmarks.train_step.reference MODEL NETWORK FILE` writes the weights, the noise and the
losses of this project's first step to FILE, takes the same step in PyTorch, and prints one JSON
object.
"""

import json
import sys

import numpy as np

from benchmarks.train_step import ours, plain_keras, torch_networks, torch_steps
from benchmarks.train_step.cases import CONTENDERS, Case, Contender

TOLERANCES = (1e-4, 1e-3)
"""Largest differences of the critic's loss, and of the generator's loss after the critic's update.
Adam's first step has the size of the rate, whatever the size of a gradient: where gradients cancel,
rounding decides its sign."""


def main(arguments: list[str]) -> int:
    """Runs the check; returns 1 where losses or parameter counts differ."""
    case = Case(arguments[0], arguments[1])
    step = ours.Step(case, CONTENDERS[0])
    reference = step.reference()
    with open(arguments[2], "wb") as file:
        np.savez(file, allow_pickle=False, **reference)
    mine = [float(reference[name]) for name in ("critic_loss", "generator_loss")]
    theirs = torch_steps.losses_of_reference(case, reference)
    differences = [abs(a - b) for a, b in zip(mine, theirs, strict=True)]
    plain = plain_keras.PlainGAN(case)
    in_torch = torch_steps.Step(case, Contender("check", "torch"), reference)
    parameters = {
        "ours": [n.count_params() for n in (step.model.generator, step.model.critic)],
        "keras": [n.count_params() for n in (plain.generator, plain.critic)],
        "torch": [
            sum(part.numel() for _, part, _ in torch_networks.slots(network))
            for network in (in_torch.generator, in_torch.critic)
        ],
    }
    close = all(d < most for d, most in zip(differences, TOLERANCES, strict=True))
    equal = close and len({str(v) for v in parameters.values()}) == 1
    found = {
        "equal": equal,
        "losses": mine,
        "differences": differences,
        "parameters": parameters,
        "flops": step.flops(),
    }
    print(json.dumps(found))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
