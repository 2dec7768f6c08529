"""Options of the terms on unlabelled images, for CLS-GAN and for its control without generator."""

import dataclasses
from typing import Any, ClassVar, Self

from zoo.options import NotNegative, Options, Positive, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnlabelledTerms(Options):
    """Weights of the terms on unlabelled images that need no generator; 0 leaves a term out.

    The student is the network in training; it sees `images`. The averaged network sees `plain`, the
    same images without augmentation. The formulas are in `zoo/models/semi_supervised_losses.py`.
    """

    names: ClassVar[tuple[str, ...]] = (
        "unlabelled_cross_entropy",
        "mean_teacher",
        "consistency",
        "virtual_adversarial",
        "entropy",
        "class_balance",
    )
    """Names of the options that are weights of a term."""

    unlabelled_ramp: NotNegative = 0.0
    """Share of the run over which the weights of all terms on unlabelled images rise from 0."""
    classes_by_average: bool = False
    """Take the class of an unlabelled image from the averaged critic, which sees the image without
    augmentation, and pair it with a fake of that class (this project's addition); otherwise the
    paper's min over the losses of the critic itself. Needs `ema`."""
    unlabelled_cross_entropy: NotNegative = 0.0
    """Weight of L(x, y) itself for unlabelled images, y from the averaged critic (pseudo-labels,
    this project's addition). Needs `classes_by_average`."""
    confidence: Share = 0.0
    """Smallest probability of the averaged critic's class at which an unlabelled image and its fake
    count (this project's addition). Needs `classes_by_average`."""
    distribution_alignment: bool = False
    """Divide the averaged critic's probabilities by their running mean over unlabelled images, so
    that all classes are found equally often (ReMixMatch). For data whose classes are equally
    frequent. Needs `classes_by_average`."""
    mean_teacher: NotNegative = 0.0
    """Weight of the squared distance between the probabilities of the critic and of the averaged
    critic, which sees the image without augmentation (Mean Teacher). Needs `ema`."""
    consistency: NotNegative = 0.0
    """Weight of the squared distance between two passes of an unlabelled image under different
    dropout, of outputs plus 0.1 times that of features (CT-GAN). Needs `dropout`."""
    virtual_adversarial: NotNegative = 0.0
    """Weight of the change of the prediction under the worst small change of the image (VAT)."""
    virtual_adversarial_radius: Positive = 0.1
    """Root mean square, over the pixels in [-1, 1], of the change of `virtual_adversarial`."""
    entropy: NotNegative = 0.0
    """Weight of the entropy of the predictions for unlabelled images."""
    class_balance: NotNegative = 0.0
    """Weight of the divergence of the mean prediction for unlabelled images from equal shares of
    all classes. For data whose classes are equally frequent."""

    def check(self) -> None:
        super().check()
        if not self.classes_by_average and (self.unlabelled_cross_entropy or self.confidence):
            raise ValueError(
                "`unlabelled_cross_entropy` and `confidence` use the classes that the averaged "
                "critic finds: they need `classes_by_average`, or must both be 0."
            )
        if self.distribution_alignment and not self.classes_by_average:
            raise ValueError(
                "`distribution_alignment` changes the classes that the averaged critic finds: it "
                "needs `classes_by_average`."
            )
        radius = self.virtual_adversarial_radius
        if not self.virtual_adversarial and radius != type(self).virtual_adversarial_radius:
            raise ValueError(
                f"`virtual_adversarial_radius` {radius} has no effect while `virtual_adversarial` "
                "is 0: give `virtual_adversarial`, such as 1."
            )

    @property
    def has_terms(self) -> bool:
        """Whether any term has a weight."""
        return any(getattr(self, name) for name in self.names)

    @property
    def average_option(self) -> str | None:
        """The first option that needs the averaged network; None if no option needs it."""
        needing = ("classes_by_average", "mean_teacher")
        return next((name for name in needing if getattr(self, name)), None)

    def check_average(self, ema: float | None) -> None:
        """Checks the options that need the averaged network.

        Args:
            ema: decay of the averaged weights; None for no average.

        Raises:
            ValueError: a term needs the average, and there is none.
        """
        if self.average_option is not None and ema is None:
            raise ValueError(f"`{self.average_option}` needs `ema`: give `ema`, such as 0.999.")

    def check_ramp(self, run_steps: int) -> None:
        """Raises ValueError if the ramp is a share of a run of unknown length."""
        if self.unlabelled_ramp and not run_steps:
            raise ValueError("`unlabelled_ramp` is a share of `run_steps`: give `run_steps`.")

    def without_unlabelled(self) -> Self:
        """Returns the options for data whose images all have labels."""
        fields = dataclasses.fields(UnlabelledTerms)
        off: dict[str, Any] = {field.name: field.default for field in fields}
        return dataclasses.replace(self, **off | {"unlabelled_ramp": self.unlabelled_ramp})
