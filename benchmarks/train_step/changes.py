"""Other ways to take the same step, tried by `means.py`. Each changes a model in place."""

from typing import Any

import keras
import tensorflow as tf

from zoo.gradients import minimise
from zoo.models import trainer
from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses


def joint_pass(model: AdversarialModel) -> None:
    """Real and fake images go through the critic in one pass; it must have no batch statistics."""

    def critic_step(batch: Any, noise: Any, global_batch: tf.Tensor) -> Losses:
        fakes, images = model.make_fakes(noise), batch["real"]
        if model.penalty is not None:
            model.penalty.before_step(model.critic)

        def loss() -> tuple[tf.Tensor, tuple[Losses, dict[str, tf.Tensor]]]:
            both = Examples(tf.concat([images.images, fakes.images], axis=0))
            scores = tf.split(model.score(both, noise.child("real")).scores, 2)
            real = images._replace(scores=scores[0])
            fake = fakes._replace(scores=scores[1])
            terms, values = model.critic_terms(real, fake)
            penalised = model.penalise(real, fake, noise.child("penalty"), global_batch)
            share, logs = model._total("critic_loss", terms | penalised.terms, global_batch)
            return share, (logs | values | penalised.logs, penalised.found)

        logs, found = minimise(loss, model.critic.trainable_variables, model.critic_optimizer)
        if model.penalty is not None:
            model.penalty.after_step(model.critic, found)
        return logs

    model.critic_step = critic_step  # type: ignore[method-assign]


def one_pass(model: AdversarialModel) -> None:
    """All critic steps' fakes come from one generator pass, so share one batch statistic."""

    def train_step(data: Any) -> dict[str, tf.Tensor]:
        batches, noise, global_batch = model.unpack(data)
        phases = [noise.child(f"critic_{k}") for k in range(len(batches))]
        latents = [p.child("latent").normal(model.generator.latent_dim) for p in phases]
        images = model.generator(tf.concat(latents, axis=0), training=True)
        parts = tf.split(tf.cast(images, tf.float32), len(batches))
        values: Losses = {}
        fresh = model.make_fakes
        for batch, phase, part in zip(batches, phases, parts, strict=True):
            model.make_fakes = lambda *_, part=part: Examples(part)  # type: ignore[method-assign]
            values = model.critic_step(batch, phase, global_batch)
        model.make_fakes = fresh  # type: ignore[method-assign]
        values |= model.generator_step(batches[-1], noise.child("generator"), global_batch)
        return model.finish_step(values, global_batch)

    model.train_step = train_step  # type: ignore[method-assign]


def kept_tape(model: AdversarialModel) -> None:
    """The generator step takes the critic step's fakes from the tape, not from a second pass."""

    def train_step(data: Any) -> dict[str, tf.Tensor]:
        (batch,), noise, global_batch = model.unpack(data)
        phase = noise.child("critic_0")
        weights = model.generator.trainable_variables
        fresh = model.make_fakes
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            fakes = fresh(phase)
            with tape.stop_recording():
                model.make_fakes = lambda *_: fakes  # type: ignore[method-assign]
                values = model.critic_step(batch, phase, global_batch)
                model.make_fakes = fresh  # type: ignore[method-assign]
            terms = model.generator_losses(model.score(fakes, phase.child("fake")), batch["real"])
            share, logs = model._total("generator_loss", terms, global_batch)
        gradients = tape.gradient(share, [weight.value for weight in weights])
        model.generator_optimizer.apply(gradients, weights)
        return model.finish_step(values | logs, global_batch)

    model.train_step = train_step  # type: ignore[method-assign]


class FusedAdam(keras.optimizers.Adam):
    """Adam by TensorFlow's own kernel, one operation a weight, where Keras takes ten."""

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def fused_adam(model: AdversarialModel) -> None:
    """Both optimizers update each weight in one operation."""
    fused = [
        FusedAdam.from_config(optimizer.get_config())
        for optimizer in (model.generator_optimizer, model.critic_optimizer)
    ]
    model.compile(*fused)


def no_guard(model: AdversarialModel) -> None:
    """A step that leaves something non-finite behind is not undone; to see what that costs."""
    trainer.guarded = lambda step, **_: step
