"""The variants that `semi_supervised` compares, and the settings that they share."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Variant:
    """What a run minimises beside the cross-entropy of labelled images.

    Attributes:
        name: the variant's name in tables.
        pseudo_labels: whether confident classes of the teacher train strong views.
        consistency: weight of the distance between two dropout passes (CT-GAN's term).
        hinge: weight of the hinges after their ramp; 0 for a run without a generator.
        hinge_from: share of the run after which generator and hinges start.
        hinge_full: share of the run after which the hinges have their full weight.
        paper: whether the objective is the paper's own (extra class, `min_l`, full hinges).
        strong_labelled: whether strong views of labelled images take the unlabelled ones' place.
    """

    name: str
    pseudo_labels: bool = False
    consistency: float = 0.0
    hinge: float = 0.0
    hinge_from: float = 0.3
    hinge_full: float = 0.5
    paper: bool = False
    strong_labelled: bool = False


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("control"),
        Variant("control_strong", strong_labelled=True),
        Variant("pseudo", pseudo_labels=True),
        Variant("pseudo_hinge", pseudo_labels=True, hinge=0.05),
        Variant("pseudo_consistency", pseudo_labels=True, consistency=1.0),
        Variant("paper", hinge=1.0, hinge_from=0.0, hinge_full=0.0, paper=True),
    )
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that all variants share."""

    width: int = 64
    dropout: float = 0.2
    labelled: int = 64
    unlabelled: int = 320
    consistent: int = 128
    fakes: int = 64
    threshold: float = 0.95
    rate: float = 0.08
    warm_up: float = 0.05
    weight_decay: float = 5e-4
    average: float = 0.995
    generator_filters: int = 256
    generator_rate: float = 2e-4
    consistency_ramp: float = 0.2
