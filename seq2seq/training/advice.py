"""What a finished training is good for, and what would most likely make it better, from figures measured on the run."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

_MOST_ADVICE = 2
# A rise of the validation score in the last quarter of the training that more time would continue: in points, and as a
# fraction of the score. The decay of the learning rate alone gives about half of it.
_LEAST_VALIDATIONS, _RISE, _RISE_SHARE = 4, 1.5, 0.03
# A group scores much worse than others if it lacks this many points and this fraction of their score.
_GAP, _GAP_SHARE = 5.0, 0.15
# Nats per token by which the validation pairs are less likely than the training pairs: half as likely.
_OVERFITTING = math.log(2)
# Perplexity on the training pairs of a model that has not learnt even these.
_UNLEARNT = 10.0
_MANY_UNUSUAL = 0.02


@dataclass(frozen=True)
class Group:
    """Validation pairs that have something in common."""

    name: str
    """Such as `sentences with numbers`; of a length, `7-9 words`."""
    score: float
    """On these pairs, by the metric of the validations."""
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured on a run. Scores are those of greedy translations of the validation pairs."""

    metric: str
    score: float
    """Of the best step, on all validation pairs."""
    valid_pairs: int
    lengths: Sequence[Group]
    """By source length, shortest first; those of enough pairs."""
    kinds: Sequence[Group]
    """Other groups of enough pairs."""
    curve: Sequence[tuple[int, float]]
    """Step and score of each validation."""
    steps: int
    warmup_steps: int
    max_steps: int
    ran_out_of_patience: bool
    """Whether the training stopped before its planned number of steps."""
    minutes: float | None
    """The time limit, if there was one."""
    has_attention: bool
    training_pairs: int
    training_loss: float
    """Nats per target token on a sample of the training pairs."""
    valid_loss: float
    """Likewise on the validation pairs."""
    unusual: str
    """The most frequent kind of unusual pairs in the training data; empty if there are none."""
    unusual_share: float
    """Their share of the training pairs."""
    data_warning: str
    """The most important of the data report's grave warnings; empty if it has none."""


def closing_lines(figures: Figures) -> dict[str, str]:
    """Scores by length, the hardest kind of sentence, and up to two pieces of advice, each under its name.

    Before them a grave fault of the data, if there is one, which no other advice would mend.
    """
    data = {"data_warning": figures.data_warning} if figures.data_warning else {}
    advice = list(islice(_advice(figures), _MOST_ADVICE)) or ["nothing in the figures of this run stands out"]
    return data | {"by_length": _by_length(figures), "hardest": _hardest(figures), "advice": "; ".join(advice)}


def _by_length(figures: Figures) -> str:
    if not figures.lengths:
        return f"{figures.valid_pairs:,} validation pairs are too few to tell"
    return f"{figures.metric} " + ", ".join(f"{group.score:.1f} ({group.name})" for group in figures.lengths)


def _hardest(figures: Figures) -> str:
    # Not the shortest: they have few of the four-word sequences that BLEU counts.
    groups = [*figures.kinds, *map(_of_length, figures.lengths[1:])]
    hardest = min(groups, key=lambda group: group.score, default=None)
    if hardest is None:
        return f"{figures.valid_pairs:,} validation pairs are too few to tell"
    if hardest.score >= figures.score:
        return f"no kind of sentence stands out: none scores below the {figures.metric} {figures.score:.1f} on all"
    return (
        f"{hardest.name}: {figures.metric} {hardest.score:.1f} ({hardest.pairs:,} of {figures.valid_pairs:,} "
        f"validation pairs; {figures.score:.1f} on all)"
    )


def _advice(figures: Figures) -> Iterator[str]:
    """What would help, the most likely first; nothing that the figures do not show."""
    yield from _more_time(figures)
    yield from _attention(figures)
    yield from _cleaning(figures)
    yield from _more_pairs(figures)
    yield from _pairs_of_a_kind(figures)


def _more_time(figures: Figures) -> Iterator[str]:
    if figures.ran_out_of_patience:
        return
    rise = _last_rise(figures.curve)
    if figures.steps <= figures.warmup_steps:
        reason = f"{figures.steps:,} steps are too few to learn much"
    elif rise and rise[1] - rise[0] >= max(_RISE, _RISE_SHARE * rise[1]):
        reason = f"{figures.metric} still rose from {rise[0]:.1f} to {rise[1]:.1f} in the last quarter of the training"
    elif figures.training_loss >= math.log(_UNLEARNT):
        reason = f"even its own training pairs surprise the model (perplexity {math.exp(figures.training_loss):.1f})"
    else:
        return
    is_timed = figures.minutes is not None and figures.steps < figures.max_steps
    option = (
        f"--minutes {2 * (figures.minutes or 0):g}" if is_timed else f"--set training.max_steps={2 * figures.steps}"
    )
    yield f"train longer, with {option}: {reason}"


def _last_rise(curve: Sequence[tuple[int, float]]) -> tuple[float, float] | None:
    """The best score of the first three quarters of the training, and that of all; None if too few can be compared."""
    before = [score for step, score in curve if step <= 0.75 * curve[-1][0]]
    if len(curve) < _LEAST_VALIDATIONS or not before:
        return None
    return max(before), max(score for _, score in curve)


def _attention(figures: Figures) -> Iterator[str]:
    if not figures.has_attention and _is_worst_when_long(figures):
        best, long = _best_length(figures), figures.lengths[-1]
        yield (
            "train with --preset attention, which translates long sentences better: "
            f"{figures.metric} {long.score:.1f} ({long.name}) against {best.score:.1f} ({best.name})"
        )


def _cleaning(figures: Figures) -> Iterator[str]:
    if figures.unusual_share >= _MANY_UNUSUAL:
        yield f"train with --clean: {figures.unusual_share:.1%} of the pairs look wrong ({figures.unusual})"


def _more_pairs(figures: Figures) -> Iterator[str]:
    if figures.valid_loss - figures.training_loss >= _OVERFITTING:
        yield (
            f"collect more sentence pairs: the model knows its {figures.training_pairs:,} pairs almost by heart "
            f"(perplexity {math.exp(figures.training_loss):.1f}), but not new ones ({math.exp(figures.valid_loss):.1f})"
        )


def _pairs_of_a_kind(figures: Figures) -> Iterator[str]:
    kinds = [*figures.kinds, *([_of_length(figures.lengths[-1])] if _is_worst_when_long(figures) else ())]
    worst = min(kinds, key=lambda group: group.score, default=None)
    if worst and _is_much_worse(worst.score, figures.score):
        yield f"collect more {worst.name}: {figures.metric} {worst.score:.1f} on them, {figures.score:.1f} on all"


def _of_length(group: Group) -> Group:
    return replace(group, name=f"sentences of {group.name}")


def _is_worst_when_long(figures: Figures) -> bool:
    lengths = figures.lengths
    return bool(lengths) and _is_much_worse(lengths[-1].score, _best_length(figures).score)


def _best_length(figures: Figures) -> Group:
    return max(figures.lengths, key=lambda group: group.score)


def _is_much_worse(score: float, usual: float) -> bool:
    return usual - score >= max(_GAP, _GAP_SHARE * usual)
