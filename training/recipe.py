"""Recipes: everything that decides a run, in groups of options."""

import dataclasses
import re
from typing import Any, Self

import tyro

from training.options.data import DataOptions
from training.options.devices import DeviceOptions
from training.options.networks import CriticNetworkOptions, NetworkOptions
from training.options.optimizers import OptimizerOptions
from training.options.penalty import PenaltyOptions
from training.options.run import RunOptions
from training.options.scores import ScoreOptions
from training.options.supervision import SupervisionOptions
from zoo.command_line import flag
from zoo.errors import UserError
from zoo.models import Objective
from zoo.options import Options, StepOptions
from zoo.penalties import penalty_class
from zoo.penalties.schedule import check_schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Groups of options that decide a run.

    Names of options are unique over all groups: an option is `--name` on the command line, `name`
    in a settings file and in `recipe.json`, and `recipe.GROUP.name` in code. An option that a model
    does not use is in none of its groups, so that giving it is an error.
    """

    model: str
    """Model to train; see the list of models."""
    recipe: str = ""
    """Named recipe to start from, such as `paper`; by default the one for model and data."""
    data: DataOptions = DataOptions()
    supervision: SupervisionOptions = SupervisionOptions()
    run: RunOptions = RunOptions()
    objective: Objective
    penalty: PenaltyOptions = PenaltyOptions()
    step: StepOptions = StepOptions(ema=0.999)
    optimizers: OptimizerOptions = OptimizerOptions()
    networks: NetworkOptions = CriticNetworkOptions()
    scores: ScoreOptions = ScoreOptions()
    devices: DeviceOptions = DeviceOptions()
    given: tyro.conf.Suppress[frozenset[str]] = dataclasses.field(
        default=frozenset(), compare=False, repr=False
    )
    """Options that the user gave, on the command line or in a settings file; `minutes` changes none
    of them."""

    @property
    def groups(self) -> dict[str, Options]:
        """The groups of options by their attribute's name."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Options)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of every option, whatever this recipe has."""
        fields = [field for group in self.groups.values() for field in dataclasses.fields(group)]
        return {"recipe": ""} | {field.name: field.default for field in fields}

    def flat(self) -> dict[str, Any]:
        """Returns every option by its name."""
        options: dict[str, Any] = {"model": self.model, "recipe": self.recipe}
        for group in self.groups.values():
            options |= dataclasses.asdict(group)
        return options

    def with_options(self, **options: Any) -> Self:
        """Returns the recipe with options replaced; the values are not checked yet.

        Raises:
            TypeError: an option that this recipe does not have.
        """
        changes: dict[str, Any] = {}
        for name, group in self.groups.items():
            own = {field.name for field in dataclasses.fields(group)}
            given = {option: options.pop(option) for option in own & options.keys()}
            if given:
                changes[name] = dataclasses.replace(group, **given)
        for name in ("model", "recipe"):
            if name in options:
                changes[name] = options.pop(name)
        if options:
            raise TypeError(f"{self.model} has no option {', '.join(options)}.")
        return dataclasses.replace(self, **changes)

    def with_steps(self, *, training_images: int) -> Self:
        """Returns the recipe with the length in steps, if `kimg` or `epochs` states it."""
        if not self.run.length_in_images:
            return self
        images = 1000 * (self.run.kimg or 0.0)
        if self.run.epochs is not None:
            images = self.run.epochs * training_images
        several = self.devices.known_steps_per_call
        calls = round(images / (self.run.batch_size * self.step.critic_steps * several))
        return self.with_options(steps=max(calls, 1) * several)

    def check(self) -> None:
        """Checks all that can be known before the data are read.

        Raises:
            UserError: an option that is not allowed, alone or with the others.
        """
        try:
            for group in self.groups.values():
                group.check()
            self._check_lengths()
            self._check_views()
            self._check_unlabelled()
            self.objective.check_critic(takes_labels=self.networks.needs_labels)
            self.objective.check_step(self.step)
            self._check_penalty()
            self._check_schedules()
        except ValueError as error:
            raise UserError(as_flags(self, str(error))) from None
        if self.data.image_size is not None:
            self.check_size((self.data.image_size, self.data.image_size, 1))

    def check_size(self, image_shape: tuple[int, ...]) -> None:
        """Checks that the networks exist for images of this shape.

        Raises:
            UserError: they do not.
        """
        try:
            self.networks.check_size(image_shape)
        except ValueError as error:
            raise UserError(as_flags(self, str(error))) from None

    def _check_lengths(self) -> None:
        if self.devices.deterministic and self.run.minutes is not None:
            raise ValueError(
                "`minutes` gives two runs different numbers of steps, so `deterministic` cannot "
                "make them equal: give `steps`."
            )
        several = self.devices.known_steps_per_call
        lengths = {
            "report_every": self.run.report_every,
            "checkpoint_every": self.run.checkpoint_every,
            "steps": self.run.steps,
        }
        if self.run.length_in_images:
            del lengths["steps"]
        fixed_later = set() if self.run.minutes is None else set(lengths) - self.given
        for name, value in lengths.items():
            if name not in fixed_later and value % several:
                raise ValueError(
                    f"`{name}` {value} must be a multiple of `steps_per_call` {several}."
                )

    def _check_views(self) -> None:
        if self.supervision.chooses_labels:
            return
        for name in ("strong", "cutout"):
            if getattr(self.data, name):
                raise ValueError(
                    f"`{name}` is for models that learn from labels, such as clsgan; {self.model} "
                    "does not. Leave it out."
                )

    def _check_unlabelled(self) -> None:
        """Checks the options of unlabelled images against the labels and the averaged weights."""
        from training.recipes import find

        if self.supervision.semi_supervised:
            self.objective.check_average(self.step.ema)
            return
        default = find(self.model, data=self.data.data, name=self.recipe).flat()
        if self.supervision.control_without_generator and not default["control_without_generator"]:
            raise ValueError(
                "`control_without_generator` has no effect with `labels` all, which leaves no "
                "image without a label: give `labels`, such as 1000, or use `control`."
            )
        flat = self.flat()
        names = list(self.objective.unlabelled_options)
        if self.supervision.chooses_labels:
            names.append("unlabelled_batches")
            names += [] if self.data.strong_labelled else ["strong", "cutout"]
        for name in names:
            value = flat[name]
            if value not in (default[name], self.defaults[name]):
                raise ValueError(
                    f"`{name}` {value} has no effect with `labels` all, which leaves no image "
                    "without a label: give `labels`, such as 1000."
                )

    def _check_penalty(self) -> None:
        name, buffer = self.penalty.penalty, self.penalty.penalty_buffer or 0
        if buffer and self.networks.needs_labels:
            raise ValueError(
                "`penalty_buffer` stores images without their labels, and this critic uses labels: "
                "use no buffer with `conditional`, nor with clsgan."
            )
        if buffer >= self.run.batch_size:
            raise ValueError(
                f"`penalty_buffer` {buffer} must be smaller than `batch_size` "
                f"{self.run.batch_size}."
            )
        if name == "none" or self.networks.critic_normalization != "batch":
            return
        if penalty_class(name).differentiates:
            raise ValueError(
                f"`penalty` {name} takes the critic's gradient image by image, and batch "
                "normalisation makes it depend on the other images. Give `critic_normalization` "
                "layer or none."
            )

    def _check_schedules(self) -> None:
        check_schedule(self.penalty.make(), self.step, run_steps=self.run.steps)
        needing = self.optimizers.needs_burn_in
        if needing is not None and self.step.burn_in is None:
            raise ValueError(f"{needing} is reached at the end of the burn-in: give `burn_in` too.")
        used = needing or self.step.final_penalty_weight is not None or self.step.ema_half_life
        if self.step.burn_in is not None and not used:
            raise ValueError(
                f"`burn_in` {self.step.burn_in} has no effect: give `ema_half_life`, "
                "`final_penalty_weight`, `final_beta_2` or `learning_rate_decay` burn_in too."
            )


def as_flags(recipe: Recipe, message: str) -> str:
    """Returns a message in which options are spelled as on the command line."""
    options = recipe.flat()

    def spelled(match: re.Match) -> str:
        return flag(match[1]) if match[1] in options else match[0]

    return re.sub(r"`(\w+)`", spelled, message)
