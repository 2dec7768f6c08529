"""One training step of each variant that `semi_supervised` compares.

All variants share network, labels, optimizer and schedule. A teacher, the average of the weights,
predicts. Its batch statistics come from weak views of real images only, in its own passes.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from benchmarks.gpu.semi_supervised_networks import Classifier
from benchmarks.gpu.semi_supervised_variants import Settings, Variant
from benchmarks.gpu.semi_supervised_views import strong, weak
from zoo.models.class_losses import class_losses, labelled_loss, unlabelled_loss
from zoo.models.margins import MARGIN_SCALE, hinge, margin
from zoo.networks.dcgan import DCGANGenerator

CLASSES = 10
LATENT = 100
MOMENTUM = 0.9


class Trainer:
    """Networks, optimizers and the two compiled steps of one run.

    Args:
        variant: what to minimise.
        settings: what all variants share.
        data: tensors `labelled_images`, `labelled_labels`, `images`, and `classes` of all images,
            which are only used to report how many pseudo-labels are right.
        seed: int, seed of weights, batches and views.
    """

    def __init__(self, variant: Variant, settings: Settings, data: dict[str, Any], seed: int):
        keras.utils.set_random_seed(seed)
        self.variant, self.settings, self.data, self.seed = variant, settings, data, seed
        self.student, self.teacher = (
            Classifier(width=settings.width, dropout=settings.dropout) for _ in range(2)
        )
        example = tf.zeros([2, 32, 32, 3])
        self.student(example)
        self.teacher(example)
        self.teacher.set_weights(self.student.get_weights())
        self.weights = self.student.trainable_variables
        self.velocities = [tf.Variable(tf.zeros(w.shape), trainable=False) for w in self.weights]
        # Without the state of dropout's generator, which must move on.
        others = self.student.non_trainable_variables
        self.statistics = [variable for variable in others if "moving" in variable.path]
        self.generator = DCGANGenerator(
            (32, 32, 3),
            latent_dim=LATENT,
            base_filters=settings.generator_filters,
            num_classes=CLASSES,
        )
        self.generator_optimizer = keras.optimizers.Adam(settings.generator_rate, beta_1=0.5)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def variables(self) -> list[Any]:
        """Returns everything that a step changes."""
        networks = (self.student, self.teacher, self.generator)
        found = [variable for network in networks for variable in network.variables]
        return [*found, *self.velocities, *self.generator_optimizer.variables]

    def _seed(self, number: int, step: tf.Tensor) -> tf.Tensor:
        return tf.stack([tf.constant(1000 * self.seed + 10 * number, tf.int64), step])

    def _rows(self, count: int, total: int, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, 0, total, tf.int32)

    def _logits(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.student(images, training=True)

    def step(self, step: tf.Tensor, total: tf.Tensor, *, adversarial: bool) -> dict[str, tf.Tensor]:
        """Takes one step.

        Args:
            step: int64 scalar, number of the step.
            total: int64 scalar, steps of the whole run.
            adversarial: whether the hinges and the generator take part.
        """
        settings, data = self.settings, self.data
        progress = tf.cast(step, tf.float32) / tf.cast(total, tf.float32)
        rows = self._rows(settings.labelled, len(data["labelled_images"]), self._seed(0, step))
        images = weak(tf.gather(data["labelled_images"], rows), seed=self._seed(1, step))
        labels = tf.gather(data["labelled_labels"], rows)
        found = self._unlabelled(images, step)
        fakes = self._fakes(labels, found, step) if adversarial else None
        before = [tf.convert_to_tensor(variable) for variable in self.statistics]
        with tf.GradientTape() as tape:
            terms = self._terms(images, labels, found, fakes, progress, step)
            loss = tf.add_n(list(terms.values()))
        gradients = tape.gradient(loss, [weight.value for weight in self.weights])
        self._update(gradients, progress, step)
        if adversarial:
            self._generator_step(labels, progress, step)
        for variable, value in zip(self.statistics, before, strict=True):
            variable.assign(value)
        return terms | {"loss": loss} | {k: v for k, v in found.items() if v.shape.rank == 0}

    def _unlabelled(self, labelled: tf.Tensor, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draws unlabelled images, and classes for them by the teacher.

        The teacher's pass also moves its batch statistics.
        """
        settings, data, variant = self.settings, self.data, self.variant
        if not (variant.pseudo_labels or variant.paper or variant.consistency):
            self.teacher(labelled, training=True, noisy=False)
            return {}
        count = settings.fakes if variant.paper else settings.unlabelled
        rows = self._rows(count, len(data["images"]), self._seed(2, step))
        images = tf.gather(data["images"], rows)
        plain = weak(images, seed=self._seed(3, step))
        logits, _ = self.teacher(plain, training=True, noisy=False)
        probabilities = tf.nn.softmax(logits)
        classes = tf.argmax(logits, axis=1, output_type=tf.int32)
        sure = tf.cast(tf.reduce_max(probabilities, axis=1) >= settings.threshold, tf.float32)
        right = tf.cast(classes == tf.gather(data["classes"], rows), tf.float32)
        return {
            "images": images,
            "plain": plain,
            "classes": classes,
            "weights": sure,
            "confident": tf.reduce_mean(sure),
            "right": tf.math.divide_no_nan(tf.reduce_sum(sure * right), tf.reduce_sum(sure)),
        }

    def _fakes(
        self, labels: tf.Tensor, found: dict[str, tf.Tensor], step: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes one fake of each labelled image's class and one of each first unlabelled one's."""
        count = self.settings.fakes
        classes = found["classes"][:count]
        if self.variant.paper:
            classes = self._rows(count, CLASSES, self._seed(4, step))
        labels = tf.concat([labels[:count], classes], axis=0)
        return self._generate(labels, self._seed(5, step)), labels

    def _generate(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        latent = tf.random.stateless_normal([labels.shape[0], LATENT], seed)
        images = self.generator({"latent": latent, "label": labels}, training=True)
        return tf.cast(images, tf.float32)

    def _terms(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        found: dict[str, tf.Tensor],
        fakes: tuple[tf.Tensor, tf.Tensor] | None,
        progress: tf.Tensor,
        step: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Computes the student's loss terms, each a scalar."""
        settings, variant, count = self.settings, self.variant, self.settings.labelled
        groups = [images]
        if variant.pseudo_labels:
            groups.append(strong(found["images"], seed=self._seed(6, step)))
        if variant.paper:
            groups.append(found["plain"])
        if variant.strong_labelled:
            rows = self._rows(
                settings.unlabelled, len(self.data["labelled_images"]), self._seed(7, step)
            )
            more = tf.gather(self.data["labelled_images"], rows)
            groups.append(strong(more, seed=self._seed(8, step)))
        logits, _ = self._logits(tf.concat(groups, axis=0))
        losses = class_losses(logits, extra_class=variant.paper)
        terms = {"labelled": tf.reduce_mean(labelled_loss(losses[:count], labels))}
        if variant.strong_labelled:
            more_labels = tf.gather(self.data["labelled_labels"], rows)
            terms["strong"] = tf.reduce_mean(labelled_loss(losses[count:], more_labels))
        if variant.pseudo_labels:
            pseudo = labelled_loss(losses[count:], found["classes"])
            terms["pseudo"] = tf.reduce_mean(found["weights"] * pseudo)
        if variant.consistency:
            terms["consistency"] = self._consistency(found["images"], progress, step)
        if fakes is not None:
            terms |= self._hinges(images, labels, logits, found, fakes, progress)
        return terms

    def _consistency(self, images: tf.Tensor, progress: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Computes the distance of outputs and 0.1 times that of features over two passes."""
        chosen = images[: self.settings.consistent]
        views = [weak(chosen, seed=self._seed(number, step)) for number in (9, 10)]
        logits, features = self._logits(tf.concat(views, axis=0))
        first, second = tf.split(tf.nn.softmax(logits), 2)
        outputs = tf.reduce_mean(tf.reduce_sum(tf.square(first - second), axis=1))
        first, second = tf.split(features, 2)
        distance = outputs + 0.1 * tf.reduce_mean(tf.square(first - second))
        ramp = tf.minimum(1.0, progress / self.settings.consistency_ramp)
        return self.variant.consistency * ramp * distance

    def _hinges(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        logits: tf.Tensor,
        found: dict[str, tf.Tensor],
        fakes: tuple[tf.Tensor, tf.Tensor],
        progress: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Computes CLS-GAN's hinges of labelled and of unlabelled pairs."""
        variant, count, batch = self.variant, self.settings.fakes, self.settings.labelled
        losses = class_losses(logits, extra_class=True)
        fake_logits, _ = self._logits(fakes[0])
        fake = tf.split(class_losses(fake_logits, extra_class=True), 2)
        made, fake_labels = tf.split(fakes[0], 2), tf.split(fakes[1], 2)
        real = (losses[:count], losses[batch : batch + count])
        if variant.paper:
            unlabelled = [unlabelled_loss(real[1]), unlabelled_loss(fake[1])]
            weights = tf.ones([count])
        else:
            unlabelled = [labelled_loss(side, fake_labels[1]) for side in (real[1], fake[1])]
            weights = found["weights"][:count]
        own = [labelled_loss(side, labels[:count]) for side in (real[0], fake[0])]
        deltas = [
            margin(plain[:count], other, scale=MARGIN_SCALE)
            for plain, other in zip((images, found["plain"]), made, strict=True)
        ]
        length = max(variant.hinge_full - variant.hinge_from, 1e-6)
        ramp = tf.clip_by_value((progress - variant.hinge_from) / length, 0.0, 1.0)
        weight = variant.hinge * (1.0 if variant.paper else ramp)
        return {
            "hinge": weight * tf.reduce_mean(hinge(deltas[0], *own)),
            "unlabelled_hinge": weight * tf.reduce_mean(weights * hinge(deltas[1], *unlabelled)),
        }

    def _update(self, gradients: list[tf.Tensor], progress: tf.Tensor, step: tf.Tensor) -> None:
        """SGD with Nesterov momentum, weight decay, warm-up and cosine decay; moves the teacher."""
        settings = self.settings
        warm = tf.minimum(1.0, progress / settings.warm_up)
        rate = settings.rate * warm * _cosine(progress)
        now = tf.cast(step, tf.float32)
        move = 1.0 - tf.minimum(settings.average, (1.0 + now) / (10.0 + now))
        everything = (self.weights, gradients, self.velocities, self.teacher.trainable_variables)
        for weight, gradient, velocity, average in zip(*everything, strict=True):
            if len(weight.shape) > 1:
                gradient += settings.weight_decay * weight
            speed = velocity.assign(MOMENTUM * velocity + gradient)
            weight.assign(weight - rate * (gradient + MOMENTUM * speed))
            average.assign(average + move * (weight - average))

    def _generator_step(self, labels: tf.Tensor, progress: tf.Tensor, step: tf.Tensor) -> None:
        """Takes an Adam step whose rate falls as the student's does, so that neither runs away."""
        rate = self.settings.generator_rate * _cosine(progress)
        self.generator_optimizer.learning_rate.assign(rate)
        weights = self.generator.trainable_variables
        chosen = tf.concat([labels, labels], axis=0)[: 2 * self.settings.fakes]
        with tf.GradientTape() as tape:
            logits, _ = self._logits(self._generate(chosen, self._seed(11, step)))
            losses = labelled_loss(class_losses(logits, extra_class=True), chosen)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        self.generator_optimizer.apply(gradients, weights)

    def errors(self, images: tf.Tensor, labels: tf.Tensor, batch: int) -> tf.Tensor:
        """Returns the teacher's error rate on images in [0, 255]."""
        wrong = tf.constant(0.0)
        for start in range(0, len(images), batch):
            part = tf.cast(images[start : start + batch], tf.float32) / 127.5 - 1.0
            logits, _ = self.teacher(part, training=False)
            found = tf.argmax(logits, axis=1, output_type=tf.int32)
            wrong += tf.reduce_sum(tf.cast(found != labels[start : start + batch], tf.float32))
        return wrong / len(images)


def _cosine(progress: tf.Tensor) -> tf.Tensor:
    """Falls from 1 to 0 over a run."""
    return 0.5 * (1.0 + tf.cos(math.pi * tf.minimum(progress, 1.0)))
