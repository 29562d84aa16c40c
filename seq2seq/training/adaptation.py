"""Settings that follow from the data and the time where they are not asked for: all such rules, and nothing else.

`docs/defaults.md` has the measurements behind them. The size of a vocabulary follows from the data as well, before any
of this is known: `tokenizer/tokenizer.py`.
"""

import math

from seq2seq.config import Config

# Target tokens a second of a preset on two cores of a laptop. The rules must not depend on the machine at hand: the
# same command is to train the same model everywhere.
_NOMINAL_SPEED = 10_000
# More epochs overfit, whatever the dropout; but the smallest corpora need more, as they learn little in each.
_MOST_EPOCHS = 60
_FEWEST_STEPS = 2_400
_DROPOUTS = (0.1, 0.35)


def adapt(config: Config, target_tokens: int) -> Config:
    """Fill in what was left open, for a training on so many target tokens, the ends of sentences included."""
    training = config.training
    steps_of_epoch = target_tokens / training.batch_tokens
    changes: dict[str, dict[str, object]] = {"model": {}, "training": {}}
    if training.max_steps is None:
        max_steps = max(math.ceil(_MOST_EPOCHS * steps_of_epoch), _FEWEST_STEPS)
        changes["training"]["max_steps"] = max_steps
        assert training.minutes is not None
        epochs = min(max_steps / steps_of_epoch, 60 * training.minutes * _NOMINAL_SPEED / target_tokens)
    else:
        epochs = training.max_steps / steps_of_epoch
    if not config.is_given("model.dropout"):
        changes["model"]["dropout"] = dropout(epochs)
    return config.model_copy(
        update={name: getattr(config, name).model_copy(update=values) for name, values in changes.items()}
    )


def dropout(epochs: float) -> float:
    """A tenth for each time that 5 epochs double; the more often a pair is seen, the less must be learnt by heart."""
    least, most = _DROPOUTS
    return round(min(max(0.1 * math.log2(max(epochs, 1) / 5), least), most), 2)
