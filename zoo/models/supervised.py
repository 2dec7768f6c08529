"""The control of a semi-supervised run: the same classifier, on the labelled images only."""

from typing import Any

import keras
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.gradients import minimise, share_of_global_mean, with_loss_scale
from zoo.models.argument_checks import check_learning_rate
from zoo.models.class_losses import class_losses, labelled_loss
from zoo.models.data_checks import Wanted
from zoo.models.trainer import StatelessTrainer
from zoo.options import NotNegativeCount, Share, checked


class SupervisedClassifier(StatelessTrainer):
    """Minimises the cross-entropy `E[-log softmax(a(x))_y]` of labelled images.

    Batches, noise, optimizer and averaging are those of `ConditionalLossSensitiveGAN`, so that the
    two differ in the objective alone.

    Args:
        classifier: network from images to logits `[B, K]`.
        ema: float in [0, 1), decay of the classifier's average; None for none.
        seed: int, seed of all noise drawn in training (dropout).
    """

    paper = "supervised control: cross-entropy on the labelled images alone"

    @checked
    def __init__(
        self,
        classifier: keras.Model,
        *,
        ema: Share | None = None,
        seed: NotNegativeCount = 0,
        name: str | None = None,
    ):
        super().__init__(seed=seed, streams=("labelled",), name=name)
        self.network = classifier
        self.ema = ema
        self.average = clone(classifier) if ema is not None else None
        self.built = True

    @property
    def wanted_data(self) -> Wanted:
        return Wanted(
            image_shape=tuple(self.network.image_shape),
            num_classes=self.network.num_classes,
            reads_labels=self.streams,
            needs_labels=self.streams,
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
        """Takes one step on the labelled stream."""
        (batch,), noise, global_batch = self.unpack(data)
        images, labels = batch["labelled"].images, batch["labelled"].labels

        def loss() -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
            with noise.scope():
                losses = class_losses(self.network(images, training=True), extra_class=False)
            terms = labelled_loss(losses, labels)
            return share_of_global_mean(terms, global_batch), (losses, terms)

        losses, terms = minimise(loss, self.network.trainable_variables, self.optimizer)
        if self.average is not None and self.ema is not None:
            update_average(self.average, self.network, decay=self.ema, step=self.step.value)
        wrong = tf.cast(tf.argmin(losses, axis=-1) != tf.cast(labels, tf.int64), tf.float32)
        return self.finish_step({"cross_entropy": terms, "train_error": wrong}, global_batch)
