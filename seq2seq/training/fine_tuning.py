"""Fine-tuning: a trained model goes on with new pairs, such as corrections, and keeps what it knows.

Vocabularies and network stay. Two thirds of what it trains on are old pairs, replayed from the run of the model. At the
end its parameters are moved back towards the old ones, if that is needed to keep within a loss (Wortsman et al. 2022).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from seq2seq.config import Config
from seq2seq.data.bitext import Pair
from seq2seq.data.languages import may_be_same
from seq2seq.data.preparation import PreparedData
from seq2seq.data.sources import Sources
from seq2seq.data.tuning_data import ValidationParts, is_tuning, prepare_tuning_data, words_of
from seq2seq.distributed import is_main_process
from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import score_corpus, validation_metric
from seq2seq.inference.engine import engine_of
from seq2seq.inference.export import export_model
from seq2seq.inference.translator import Translator
from seq2seq.model.weights import pack_weights
from seq2seq.runs.model_folder import CONFIDENCE, WEIGHTS, ModelFolder, open_model, rewrite_description
from seq2seq.runs.run_folder import RUNS, RunFolder, run_at
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.training.progress import Progress
from seq2seq.training.run import open_run, train

# Settings of a fine-tuning unless given, from the measurements in docs/archive/experiments.md, section 42.
# Patience would end a short run: its validations are a few steps apart.
_DEFAULTS = {"warmup_steps": 10, "batch_tokens": 1024, "patience": 1000}
_MINUTES = 1.0
# Steps and learning rate for a hundred pairs; for more, in proportion to the square root.
_PAIRS, _STEPS, _MOST_STEPS, _LEARNING_RATE, _HIGHEST_LEARNING_RATE = 100, 150, 6000, 2e-4, 1e-3
# Steps of the bisection for the largest share of the change of the parameters that loses little enough.
_HALVINGS = 3
# Key of the comparison in the metadata of the model.
_REPORT = "tuning"
_SHOWN = 5


def fine_tune(
    model: Path,
    given: Config,
    run_folder: Path | None,
    *,
    max_loss: float,
    resume: bool,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Train `model` further on the data of `given`, in a run folder of its own.

    given: of its settings, those of the data and of the training count.
    run_folder: by default named after the languages, in `checkpoints/` of the current folder.
    max_loss: how much the score on the old validation pairs may fall, in points of the validation metric.
    Raises InputError as `train`; if the model cannot be trained, or its languages are others; if it would lose more.
    """
    start = open_model(model)
    if start.is_int8 or start.has_shortlist:
        raise InputError(f"{model}: a model in int8 or with a shortlist can only translate; tune the original")
    old = open_run(model)[1] if run_at(model).is_run else None
    config = _config(start.config, given)
    folder = run_folder or RUNS / "-".join(filter(None, [config.data.src_lang, config.data.tgt_lang, "tuned"]))
    if folder.exists() and folder.resolve() in (model.resolve(), *model.resolve().parents):
        raise InputError(f"{folder}: holds the model itself; give another folder with -o")
    if resume:
        _expect_tuning_of(start, RunFolder(folder))
    prepare = partial(_prepare, start, old)
    train(config, folder, resume=resume, overwrite=overwrite, progress=progress, prepare=prepare)
    if is_main_process():
        _finish(RunFolder(folder), max_loss, progress)


def _expect_tuning_of(start: ModelFolder, run: RunFolder) -> None:
    """Raises InputError if a run that is to be resumed is not a fine-tuning of this model."""
    if not run.is_run:
        return
    if not is_tuning(open_run(run.path)[1]):
        raise InputError(f"{run.path}: is not a fine-tuning; give another folder with -o")
    if open_model(run.start).read_weights() != start.read_weights():
        raise InputError(f"{run.path}: is a fine-tuning of another model; give that one, or another folder with -o")


def _config(old: Config, given: Config) -> Config:
    """The settings of a fine-tuning: the model's, with the data and the training that are given."""
    for side in ("src_lang", "tgt_lang"):
        language, other = getattr(old.data, side), getattr(given.data, side)
        if not may_be_same(language, other):
            raise InputError(f"--{side.replace('_', '-')} {other}: the model's language is {language}")
    kept = {name: getattr(old.data, name) for name in ("normalize", "max_length")}
    languages = {side: getattr(old.data, side) or getattr(given.data, side) for side in ("src_lang", "tgt_lang")}
    defaults: dict[str, object] = {
        name: value for name, value in _DEFAULTS.items() if not given.is_given(f"training.{name}")
    }
    if given.training.minutes is None and given.training.max_steps is None:
        defaults["minutes"] = _MINUTES
    defaults["validation_metric"] = given.training.validation_metric or old.training.validation_metric
    config = given.model_copy(
        update={
            "preset": old.preset,
            "data": given.data.model_copy(update=kept | languages),
            "tokenizer": old.tokenizer,
            "model": old.model,
            "training": given.training.model_copy(update=defaults),
            "search": old.search,
        }
    )
    config._given = frozenset(key for key in given._given if key.startswith(("data.", "training.")))
    return config


def _prepare(
    start: ModelFolder, old: PreparedData | None, config: Config, sources: Sources, run: RunFolder, progress: Progress
) -> Config:
    if old is None:
        progress.warn(
            f"{start.path}: no run folder with its data, so no old pairs are replayed, and no loss can be measured"
        )
    translator = Translator.of([start])
    report = prepare_tuning_data(
        config.data,
        sources,
        start.tokenizers,
        start.profile,
        old,
        lambda lines: translator.translate(lines, beam_size=1),
        run.data,
    )
    progress.report(report.source_lines(), report.serious_warnings())
    export_model(start, run.start)
    growth = max(1.0, sum(source.kept for source in report.sources) / _PAIRS) ** 0.5
    changes: dict[str, object] = {}
    if config.training.max_steps is None:
        changes["max_steps"] = min(math.ceil(_STEPS * growth), _MOST_STEPS)
    if not config.is_given("training.learning_rate"):
        changes["learning_rate"] = min(_LEARNING_RATE * growth, _HIGHEST_LEARNING_RATE)
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


@dataclass(frozen=True)
class Scores:
    """Scores of a model on the validation pairs of a fine-tuning."""

    new: float
    """Score on new pairs: those held out, and if they are few, some that are trained on."""
    old: float | None
    """Score on old validation pairs; None if there are none."""
    corrected: float | None
    """Share of the corrected words in new references that are in their translations; None if there are none."""

    @classmethod
    def of(cls, model: TrainedModel, pairs: Sequence[Pair], parts: ValidationParts, metric: str) -> "Scores":
        """Translate the pairs with the search of the model."""
        translations = Translator(engine_of(model) or model).translate([pair.src for pair in pairs])
        new = slice(0, parts.held_out + parts.trained)
        old = slice(len(pairs) - parts.old, len(pairs))

        def score(part: slice) -> float:
            (result,) = score_corpus(translations[part], [[pair.tgt for pair in pairs[part]]], [metric])
            return result.score

        expected = [
            (word, words_of(translation))
            for pair, translation in zip(pairs[new], translations[new], strict=True)
            for word in set(parts.corrected) & words_of(pair.tgt)
        ]
        found = sum(word in words for word, words in expected)
        return cls(score(new), score(old) if parts.old else None, found / len(expected) if expected else None)


def _finish(run: RunFolder, max_loss: float, progress: Progress) -> None:
    """Compare the best step with the model that it started from, and keep within the loss."""
    config, data = open_run(run.path)
    best = open_model(run.path)
    if _REPORT in best.metadata:
        return
    metric = validation_metric(config.training.validation_metric)
    parts = ValidationParts.of(data)
    before, after = load_model(run.start), load_model(best.path)
    scores = Scores.of(before, data.valid_pairs, parts, metric)
    kept, tuned = _within(
        max_loss, scores, before, after, lambda model: Scores.of(model, data.valid_pairs, parts, metric)
    )
    files = {WEIGHTS: pack_weights(after.network)}
    if (confidence := open_model(run.start).read_confidence()) is not None:
        files[CONFIDENCE] = confidence
    lines = _describe(metric, parts, scores, tuned, kept)
    for name, text in lines.items():
        progress.note(f"{name:<21} {text}")
    rewrite_description(best.path, best.config, {_REPORT: "; ".join(map(" ".join, lines.items()))}, files)


def _within(
    max_loss: float, scores: Scores, before: TrainedModel, after: TrainedModel, score: Callable[[TrainedModel], Scores]
) -> tuple[float, Scores]:
    """Move `after` towards `before` until it loses no more than `max_loss`.

    Returns the share of the change that is kept, and the scores. Raises InputError if even a little of it loses more.
    """
    old, new = (model.network.state_dict() for model in (before, after))
    change = {name: new[name] - old[name] for name in old}

    def scores_with(kept: float) -> tuple[float, Scores]:
        """The loss, and the scores, with this share of the change."""
        after.network.load_state_dict({name: old[name] + kept * change[name] for name in old})
        tuned = score(after)
        return (0.0 if scores.old is None or tuned.old is None else scores.old - tuned.old), tuned

    loss, tuned = scores_with(1.0)
    if loss <= max_loss:
        return 1.0, tuned
    best, too_much = 0.0, 1.0
    for _ in range(_HALVINGS):
        kept = (best + too_much) / 2
        if scores_with(kept)[0] <= max_loss:
            best = kept
        else:
            too_much = kept
    if not best:
        raise InputError(
            f"the tuned model loses {loss:.2f} on the old validation pairs, and too much even with {too_much:.0%} of "
            f"what it learnt; --max-loss permits {max_loss:g}: give more pairs, or permit more, with --resume"
        )
    return best, scores_with(best)[1]


def _describe(metric: str, parts: ValidationParts, before: Scores, after: Scores, kept: float) -> dict[str, str]:
    """The scores before and after."""
    trained = f" of which {parts.trained:,} were trained on" if parts.trained else ""
    pairs = f"{parts.held_out + parts.trained:,} pairs{trained}"
    lines = {"new": f"{metric} {before.new:.2f} -> {after.new:.2f} ({pairs})"}
    if before.old is not None and after.old is not None:
        lines["old"] = f"{metric} {before.old:.2f} -> {after.old:.2f} ({parts.old:,} validation pairs)"
    if before.corrected is not None and after.corrected is not None:
        words = ", ".join(parts.corrected[:_SHOWN]) + (", ..." if len(parts.corrected) > _SHOWN else "")
        lines["corrected words"] = f"{before.corrected:.0%} -> {after.corrected:.0%} in the output ({words})"
    if kept < 1:
        lines["change"] = f"{kept:.0%} of it kept, to lose no more than --max-loss"
    return lines
