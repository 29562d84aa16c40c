"""Settings that are derived from the data and the training time unless given.

`docs/defaults.md` has the measurements behind the rules. The vocabulary size is derived from the data too, but earlier:
`tokenizer/training.py`.
"""

import math

from seq2seq.config import Config

# Target tokens per second of a preset on two cores of a laptop. The rules must not depend on the machine, so that the
# same command trains the same model everywhere.
_NOMINAL_SPEED = 10_000
# More epochs overfit, whatever the dropout; but the smallest corpora need more, as each has few steps.
_MAX_EPOCHS = 60
_MIN_STEPS = 2_400
_DROPOUTS = (0.1, 0.35)


def adapt(config: Config, target_tokens: int, *, unspaced_targets: bool) -> Config:
    """Fill in the settings left open.

    target_tokens: of the training data, ends of sentences included. unspaced_targets: whether they are written without
    spaces between words, where BLEU finds hardly a word to compare.
    """
    training = config.training
    steps_of_epoch = target_tokens / training.batch_tokens
    changes: dict[str, dict[str, object]] = {"model": {}, "training": {}}
    if training.max_steps is None:
        max_steps = max(math.ceil(_MAX_EPOCHS * steps_of_epoch), _MIN_STEPS)
        changes["training"]["max_steps"] = max_steps
        assert training.minutes is not None
        epochs = min(max_steps / steps_of_epoch, 60 * training.minutes * _NOMINAL_SPEED / target_tokens)
    else:
        epochs = training.max_steps / steps_of_epoch
    if training.validation_metric is None:
        changes["training"]["validation_metric"] = "chrf" if unspaced_targets else "bleu"
    if not config.is_given("model.dropout"):
        changes["model"]["dropout"] = dropout(epochs)
    return config.model_copy(
        update={name: getattr(config, name).model_copy(update=values) for name, values in changes.items()}
    )


def dropout(epochs: float) -> float:
    """0.1 for each doubling of 5 epochs, within limits: the more often a pair is seen, the greater the overfitting."""
    low, high = _DROPOUTS
    return round(min(max(0.1 * math.log2(max(epochs, 1) / 5), low), high), 2)
