"""The controls of a semi-supervised run: the same classifier, trained without a generator."""

from typing import Any

import keras
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.gradients import minimise, share_of_global_mean, with_loss_scale
from zoo.models.argument_checks import check_learning_rate
from zoo.models.class_losses import class_losses, labelled_loss
from zoo.models.data_checks import Wanted
from zoo.models.examples import Examples, Losses
from zoo.models.mean_prediction import MeanPrediction
from zoo.models.semi_supervised import (
    LABELLED,
    UNLABELLED,
    UnlabelledImages,
    check_network,
    ramp,
    scored,
)
from zoo.models.semi_supervised_options import UnlabelledTerms
from zoo.models.trainer import StatelessTrainer
from zoo.options import NotNegativeCount, Share, checked
from zoo.randomness import Noise


class SupervisedClassifier(StatelessTrainer):
    """Minimises the cross-entropy `E[-log softmax(a(x))_y]` of labelled images.

    With `terms` it learns from unlabelled images too: it minimises `E[L(x, y)]` and the terms, with
    the extra class in L, which is the loss of semi-supervised CLS-GAN without its hinges.

    Batches, noise, optimizer and averaging are those of `ConditionalLossSensitiveGAN`, so that the
    two differ in the objective alone.

    Args:
        classifier: network from images to logits `[B, K]`.
        ema: float in [0, 1), decay of the classifier's average; None for none.
        seed: int, seed of all noise drawn in training (dropout).
        terms: weights of the terms on unlabelled images; None to use labelled images only.
        run_steps: int, length of the run in steps, of which the ramp of the terms is a share.
    """

    paper = "supervised control: cross-entropy on the labelled images alone"

    @checked
    def __init__(
        self,
        classifier: keras.Model,
        *,
        ema: Share | None = None,
        seed: NotNegativeCount = 0,
        terms: UnlabelledTerms | None = None,
        run_steps: NotNegativeCount = 0,
        name: str | None = None,
    ):
        streams = (LABELLED,) if terms is None else (LABELLED, UNLABELLED)
        super().__init__(seed=seed, streams=streams, name=name)
        if terms is not None:
            terms.check()
            terms.check_average(ema)
            terms.check_ramp(run_steps)
            check_network(classifier, terms)
            self.paper = "control without a generator: labelled images and terms on unlabelled ones"
        self.network = classifier
        self.ema = ema
        self.terms = terms
        self.run_steps = run_steps
        self.average = clone(classifier) if ema is not None else None
        self.mean_prediction = None
        if terms is not None and terms.distribution_alignment:
            self.mean_prediction = MeanPrediction.create(self, classifier.num_classes)
        self.built = True

    @property
    def wanted_data(self) -> Wanted:
        return Wanted(
            image_shape=tuple(self.network.image_shape),
            num_classes=self.network.num_classes,
            reads_labels=(LABELLED,),
            needs_labels=(LABELLED,),
        )

    @property
    def networks(self) -> dict[str, keras.Model]:
        return {"classifier": self.network}

    @property
    def classifier(self) -> keras.Model:
        """The classifier to predict with, with averaged weights if there are any."""
        return self.network if self.average is None else self.average

    def compile(self, optimizer: keras.optimizers.Optimizer, *, run_eagerly: bool = False) -> None:
        """Takes the optimizer and builds it."""
        check_learning_rate("optimizer", optimizer)
        super().compile(
            optimizer=with_loss_scale(optimizer, self.network),
            run_eagerly=run_eagerly,
            jit_compile=False,
            auto_scale_loss=False,
        )
        self.optimizer.build(self.network.trainable_variables)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Takes one step on the labelled stream, and on the unlabelled stream if it has terms."""
        (batch,), noise, global_batch = self.unpack(data)
        labelled, images, noise_of_labelled = batch[LABELLED], None, noise
        if self.terms is not None:
            # The streams of noise of the first critic step of CLS-GAN, for the same dropout.
            noise = noise.child("critic_0")
            images = self._unlabelled_images(batch[UNLABELLED], noise.child(UNLABELLED))
            noise_of_labelled = noise.child(LABELLED).child("real")

        def loss() -> tuple[tf.Tensor, Losses]:
            scores = scored(self.network, labelled, noise_of_labelled).scores
            losses = class_losses(scores, extra_class=self.terms is not None)
            cross_entropy = labelled_loss(losses, labelled.labels)
            wrong = tf.argmin(losses, axis=-1) != tf.cast(labelled.labels, tf.int64)
            terms = {"cross_entropy": cross_entropy}
            values = {"train_error": tf.cast(wrong, tf.float32)}
            if images is None:
                return share_of_global_mean(cross_entropy, global_batch), terms | values
            others, other_values = images.losses(self._factor)
            share, logs = self._total("loss", terms | others, global_batch)
            return share, logs | values | other_values

        values = minimise(loss, self.network.trainable_variables, self.optimizer)
        if self.mean_prediction is not None and images is not None:
            self.mean_prediction.update(images, global_batch)
        if self.average is not None and self.ema is not None:
            update_average(self.average, self.network, decay=self.ema, step=self.step.value)
        return self.finish_step(values, global_batch)

    @property
    def _factor(self) -> tf.Tensor | float:
        """The factor of all terms on unlabelled images in this step."""
        if self.terms is None or not self.terms.unlabelled_ramp:
            return 1.0
        length = round(self.terms.unlabelled_ramp * self.run_steps)
        return ramp(self.step.value, start=0, length=length)

    def _unlabelled_images(self, examples: Examples, noise: Noise) -> UnlabelledImages:
        assert self.terms is not None
        return UnlabelledImages(
            examples,
            noise,
            network=self.network,
            average=self.average,
            terms=self.terms,
            extra_class=True,
            multiple=self.stream_multiples.get(UNLABELLED, 1),
            mean_prediction=None if self.mean_prediction is None else self.mean_prediction.value,
        )
