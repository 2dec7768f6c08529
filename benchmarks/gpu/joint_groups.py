"""CLS-GAN's critic on all of a step's images in one pass, as a change of the model."""

from typing import Any

import tensorflow as tf

from zoo.gradients import minimise
from zoo.models import ConditionalLossSensitiveGAN
from zoo.models.examples import Examples, Losses
from zoo.models.semi_supervised import LABELLED, UNLABELLED


def joint_groups(model: ConditionalLossSensitiveGAN) -> None:
    """Makes the critic score its four groups in one pass; it must have no batch statistics."""
    streams = (LABELLED, UNLABELLED)
    terms_of = {LABELLED: model.labelled_terms, UNLABELLED: model.unlabelled_terms}

    def critic_step(batch: Any, noise: Any, global_batch: tf.Tensor) -> Losses:
        noises = {name: noise.child(name) for name in streams}
        fakes = {name: model.make_fakes(noises[name], batch[name].labels) for name in streams}
        groups = [source[name] for name in streams for source in (batch, fakes)]

        def loss() -> tuple[tf.Tensor, Losses]:
            everything = Examples(tf.concat([group.images for group in groups], axis=0))
            scores = tf.split(model.score(everything, noise.child("all")).scores, len(groups))
            scored = [g._replace(scores=s) for g, s in zip(groups, scores, strict=True)]
            terms: Losses = {}
            values: Losses = {}
            for name, real, fake in zip(streams, scored[::2], scored[1::2], strict=True):
                new_terms, new_values = terms_of[name](real, fake)
                terms |= new_terms
                values |= new_values
            share, logs = model._total("critic_loss", terms, global_batch)
            return share, logs | values

        return minimise(loss, model.critic.trainable_variables, model.critic_optimizer)

    model.critic_step = critic_step  # type: ignore[method-assign]
