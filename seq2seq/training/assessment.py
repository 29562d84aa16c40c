"""Scores of groups of validation pairs: by source length, and of kinds of sentences that are often hard."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from seq2seq.config import CLEANING_RULES, Config
from seq2seq.data.findings import Finding
from seq2seq.data.preparation import PreparedData
from seq2seq.evaluation.length_bins import length_thirds
from seq2seq.evaluation.metrics import score_corpus
from seq2seq.runs.checkpoints import TrainingState
from seq2seq.training.advice import Figures, Group

_LEAST_PAIRS = 20
# Occurrences in training below which a piece is rare.
_RARE = 10
_UNUSUAL = set(CLEANING_RULES) - {"duplicates"}
_NUMBER = re.compile(r"\d")
_QUESTION = re.compile(r"[?？؟՞፧]\W*$")


def measure(
    config: Config,
    data: PreparedData,
    state: TrainingState,
    records: Iterable[Mapping[str, Any]],
    metric: str,
    translations: Sequence[str],
    training_loss: float,
) -> Figures:
    """The figures of a finished run.

    records: its losses and validations. metric, translations: of the validation pairs, by the best step.
    training_loss: mean -log p per token of a sample of the training pairs, in nats.
    """
    training, key = config.training, f"valid_{metric.lower()}"
    unusual, unusual_share = most_unusual(data.report)
    assert state.plan is not None
    return Figures(
        metric=metric,
        score=state.best_score,
        valid_pairs=len(data.valid_pairs),
        lengths=score_lengths(data, translations, metric),
        kinds=score_kinds(data, translations, metric),
        curve=[(record["step"], record[key]) for record in records if key in record],
        steps=state.step,
        warmup_steps=training.warmup_steps,
        max_steps=training.max_steps or state.step,
        ran_out_of_patience=state.step < state.plan.total_steps,
        minutes=training.minutes,
        has_attention=config.model.attention != "none",
        training_pairs=len(data.train),
        training_loss=training_loss,
        valid_loss=math.log(state.best_perplexity or math.inf),
        unusual=unusual,
        unusual_share=unusual_share,
        data_warning=next(iter(data.report.get("grave_warnings", ())), ""),
    )


def score_lengths(data: PreparedData, translations: Sequence[str], metric: str) -> list[Group]:
    """The scores of the shortest, the middle and the longest third of the sources, shortest first.

    Thirds with too few pairs for a score are left out.
    """
    bins = length_thirds([pair.src for pair in data.valid_pairs])
    order = sorted(range(len(bins)), key=lambda index: bins[index])
    groups = [(str(name), list(indices)) for name, indices in groupby(order, key=lambda index: bins[index])]
    return [
        _group(name, indices, data, translations, metric) for name, indices in groups if len(indices) >= _LEAST_PAIRS
    ]


def score_kinds(data: PreparedData, translations: Sequence[str], metric: str) -> list[Group]:
    """The scores of kinds of sentences, of those with enough pairs."""
    sources = [pair.src for pair in data.valid_pairs]
    tokenizer = data.tokenizers.src
    ids = [set(pieces) for pieces in tokenizer.encode(sources)]
    bytes_ = tokenizer.byte_pieces()
    rare = set(np.flatnonzero(data.train.src.counts(len(tokenizer)) < _RARE).tolist()) - bytes_
    kinds: dict[str, Iterable[bool]] = {
        "sentences with numbers": [bool(_NUMBER.search(source)) for source in sources],
        "questions": [bool(_QUESTION.search(source)) for source in sources],
        "sentences with rare words": [bool(pieces & rare) for pieces in ids],
        "sentences with characters that are rare in training": [bool(pieces & bytes_) for pieces in ids],
    }
    indices_of = {name: [index for index, is_one in enumerate(of_kind) if is_one] for name, of_kind in kinds.items()}
    return [
        _group(name, indices, data, translations, metric)
        for name, indices in indices_of.items()
        if len(indices) >= _LEAST_PAIRS
    ]


def _group(name: str, indices: list[int], data: PreparedData, translations: Sequence[str], metric: str) -> Group:
    hypotheses, references = zip(
        *((translations[index], data.valid_pairs[index].tgt) for index in indices), strict=True
    )
    (score,) = score_corpus(hypotheses, [references], metrics=[metric])
    return Group(name, score.score, len(indices))


def most_unusual(report: Mapping[str, Any]) -> tuple[str, float]:
    """The most frequent kind of pair that `--clean` would drop, and its share of the pairs read.

    report: as `DataReport.as_json` gives it. Duplicates are usual.
    """
    counts: dict[str, int] = {}
    for source in report["sources"]:
        for finding in source["findings"]:
            if not finding["left_out"] and finding["rule"] in _UNUSUAL:
                counts[finding["rule"]] = counts.get(finding["rule"], 0) + finding["count"]
    rule = max(counts, key=counts.__getitem__, default="")
    if not counts.get(rule):
        return "", 0.0
    read = sum(source["read"] for source in report["sources"])
    return Finding(rule, left_out=False, count=counts[rule]).description, counts[rule] / max(1, read)
