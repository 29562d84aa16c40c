"""Distillation: a student learns from the pairs and from what teachers make of them.

Teachers translate the training pairs in both directions, and the student is trained on all of it: sequence-level
distillation (Kim & Rush 2016, sections 3.2 and 3.3) and data diversification (Nguyen et al. 2020, algorithm 1). Text
without translations is used likewise: that of the target language by back-translation (Sennrich et al. 2016).
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from seq2seq.config import Config, DataConfig, TrainingConfig
from seq2seq.data.distillation_data import TextPair, export_pairs
from seq2seq.data.languages import may_be_same
from seq2seq.data.sources import DOWNLOADS, open_sources
from seq2seq.distributed import is_launched
from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import score_corpus, validation_metric
from seq2seq.inference.translator import Translator
from seq2seq.io.lines import expect_rereadable, read_lines
from seq2seq.io.storage import is_leftover, read_json, replace_file, to_json
from seq2seq.presets import build_config
from seq2seq.runs.distillation_folder import Direction, DistillationFolder
from seq2seq.runs.lock import locked
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RUNS, RunFolder
from seq2seq.training.progress import Progress
from seq2seq.training.relabelling import Relabelling
from seq2seq.training.run import preparation_from, train

_MINUTES = 60.0
# Shares of the time for the training of teachers and for translating; the student gets the rest, and at least the last.
_TEACHING, _TRANSLATING, _LEARNING = 0.5, 0.2, 0.2
_TEACHER_PRESET = "attention"
# Of a student that begins with the parameters of its teacher, as a fraction of the learning rate of a new model.
_LEARNING_RATE = 0.5
# Settings of the training that are the student's alone.
_OF_STUDENT = {"minutes", "learning_rate", "seed"}


@dataclass(frozen=True)
class Teaching:
    """What the student learns from in addition to the pairs. Without teachers of a direction, one is trained."""

    teachers: tuple[str, ...] = ()
    """Models that translate as the student is to."""
    reverse_teachers: tuple[str, ...] = ()
    """Models of the reverse direction."""
    mono_src: tuple[str, ...] = ()
    """Text files of the source language."""
    mono_tgt: tuple[str, ...] = ()
    """Text files of the target language."""


def distill(config: Config, teaching: Teaching, folder: Path | None, *, resume: bool, progress: Progress) -> None:
    """Train the teachers that are not given, translate with them, and train a student on pairs and translations.

    config: of the student; `training.minutes` is the time of everything, 60 by default.
    folder: by default named after the languages, in `checkpoints/` of the current folder.
    resume: go on with what is in the folder.
    Raises InputError for unusable data, a folder in use, a teacher of other languages, or a resume with other settings;
    Interrupted after Ctrl-C or SIGTERM, with all that is done kept.
    """
    deadline: float | None = time.monotonic() + 60 * (config.training.minutes or _MINUTES)
    if is_launched():
        raise InputError(
            "distill runs in a single process: train the teachers under the launcher, and give them with --teacher"
        )
    languages = filter(None, [config.data.src_lang, config.data.tgt_lang])
    folder = folder or RUNS / "-".join([*languages, "distilled"])
    with locked(folder):
        files = DistillationFolder(folder)
        if files.settings.is_file():
            _expect_same(files, _settings(config, teaching), resume)
            deadline = None
        else:
            if resume:
                progress.note(f"{folder}: no distillation yet, starting from the beginning")
            _start(files, config, teaching, progress)
        _Stages(files, config, teaching, deadline, progress).run()


def _settings(config: Config, teaching: Teaching) -> dict[str, Any]:
    """What is distilled, as it is read from JSON."""
    settings: dict[str, Any] = json.loads(to_json(config.model_dump() | asdict(teaching)))
    return settings


def _expect_same(files: DistillationFolder, settings: dict[str, Any], resume: bool) -> None:
    """Raises InputError unless the distillation in the folder may be resumed with these settings."""
    if not resume:
        raise InputError(
            f"{files.path}: already holds a distillation; continue it with --resume, or give another folder with -o"
        )
    stored = read_json(files.settings)
    if not isinstance(stored, dict) or not isinstance(stored.get("settings"), dict):
        raise InputError(f"{files.settings}: damaged")
    if changed := [name for name, value in settings.items() if stored["settings"].get(name) != value]:
        raise InputError(
            f"{files.path}: was begun with other settings ({', '.join(changed)}); give the same command again with "
            "--resume"
        )


def _start(files: DistillationFolder, config: Config, teaching: Teaching, progress: Progress) -> None:
    """Check what is given, and write the pairs and the settings."""
    folder = files.path
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder with -o")
    for path in folder.iterdir() if folder.is_dir() else ():
        if path != files.pairs.path and not is_leftover(path):
            raise InputError(f"{folder}: holds files but no distillation ({path.name}); give a new folder with -o")
    sources = open_sources(config.data, folder.parent / DOWNLOADS)
    languages = sources.src_lang, sources.tgt_lang
    for teacher in teaching.teachers:
        _expect_languages(Path(teacher), *languages)
    for teacher in teaching.reverse_teachers:
        _expect_languages(Path(teacher), *reversed(languages))
    expect_rereadable(*teaching.mono_src, *teaching.mono_tgt)
    for name in (*teaching.mono_src, *teaching.mono_tgt):
        # Reported before an hour of work.
        if next(read_lines(name), None) is None:
            raise InputError(f"{name}: is empty")
    folder.mkdir(parents=True, exist_ok=True)
    report = export_pairs(config.data, config.tokenizer, sources, files.pairs.path)
    progress.report(report.lines(), report.main_warnings())
    weights = [source.weight for source in sources.train]
    stored = {"settings": _settings(config, teaching), "languages": languages, "weights": weights}
    replace_file(files.settings, to_json(stored))


def _expect_languages(teacher: Path, src_lang: str, tgt_lang: str) -> None:
    """Raises InputError if a teacher translates between other languages. Unknown ones are not compared."""
    data = open_model(teacher).config.data
    if not (may_be_same(data.src_lang, src_lang) and may_be_same(data.tgt_lang, tgt_lang)):
        raise InputError(
            f"{teacher}: translates from {data.src_lang} to {data.tgt_lang}, but a teacher from {src_lang} to "
            f"{tgt_lang} is needed"
        )


class _StageProgress(Progress):
    """Shows a training without the report on its data: that of the pairs was shown before."""

    @override
    def report(self, lines: Sequence[str], warnings: Sequence[str]) -> None:
        pass


@dataclass(frozen=True)
class _Task:
    """A text to translate, of which the student learns."""

    teacher: Path
    relabelling: Relabelling
    pair: TextPair
    """In the direction of the student."""
    weight: float


class _Stages:
    """The work of a distillation. Each stage does only what is not done yet."""

    def __init__(
        self, files: DistillationFolder, config: Config, teaching: Teaching, deadline: float | None, progress: Progress
    ) -> None:
        """deadline: when all must end, on the clock of time.monotonic; None after a resume."""
        self._files, self._config, self._teaching = files, config, teaching
        self._deadline, self._progress = deadline, progress
        self._minutes = config.training.minutes or _MINUTES
        stored = read_json(files.settings)
        self._languages: Sequence[str] = stored["languages"]
        self._weights: Sequence[float] = stored["weights"]
        given: dict[Direction, tuple[str, ...]] = {
            "forward": teaching.teachers,
            "backward": teaching.reverse_teachers,
        }
        self._missing = [direction for direction, models in given.items() if not models]
        self._teachers = {
            direction: [Path(model) for model in models] or [files.teacher(direction)]
            for direction, models in given.items()
        }

    def run(self) -> None:
        """All stages, in order."""
        for direction in self._missing:
            self._teach(direction, _TEACHING * self._minutes / len(self._missing))
        tasks = list(self._tasks())
        for task in tasks:
            if not task.relabelling.is_done:
                self._progress.note(f"translating with {task.teacher}: {task.relabelling.text}")
                seconds = _TRANSLATING * 60 * self._minutes / len(tasks)
                task.relabelling.run(Translator.load(task.teacher), seconds, self._progress)
        self._train_student(tasks)
        self._compare()

    def _teach(self, direction: Direction, minutes: float) -> None:
        """Train a teacher. Its settings are those of its preset, but how it is trained is up to the user."""
        src_lang, tgt_lang = self._languages if direction == "forward" else reversed(self._languages)
        self._progress.note(f"teacher from {src_lang} to {tgt_lang}: {minutes:.3g} minutes")
        pairs = [self._files.pairs.train(number) for number, _ in enumerate(self._weights, start=1)]
        valid = self._files.pairs.valid
        if direction == "backward":
            pairs, valid = [pair.swapped for pair in pairs], valid.swapped
        config, given = build_config(_TEACHER_PRESET), self._config.training
        training = {
            name: getattr(given, name)
            for name in TrainingConfig.model_fields
            if self._config.is_given(f"training.{name}") and name not in _OF_STUDENT
        }
        # Another seed than the student's, which would otherwise begin like it.
        training |= {"minutes": minutes, "seed": given.seed + 1}
        changes = {
            "data": self._data(pairs, self._weights, valid, src_lang, tgt_lang),
            "tokenizer": self._config.tokenizer,
            "training": config.training.model_copy(update=training),
        }
        self._train(config.model_copy(update=changes), self._files.teacher(direction))

    def _tasks(self) -> Iterator[_Task]:
        """What the teachers translate: the pairs, and text of one language by the first of them."""
        for direction, teachers in self._teachers.items():
            for rank, teacher in enumerate(teachers, start=1):
                for number, weight in enumerate(self._weights, start=1):
                    pair = self._files.pairs.train(number)
                    text, references = (pair.src, pair.tgt) if direction == "forward" else (pair.tgt, pair.src)
                    yield self._task(direction, f"{direction}-{rank}-{number}", teacher, text, references, weight)
            texts = self._teaching.mono_src if direction == "forward" else self._teaching.mono_tgt
            for number, name in enumerate(texts, start=1):
                yield self._task(direction, f"{direction}-mono-{number}", teachers[0], Path(name), None, 1.0)

    def _task(
        self, direction: Direction, name: str, teacher: Path, text: Path, references: Path | None, weight: float
    ) -> _Task:
        output = self._files.translations(name)
        pair = output if direction == "forward" else output.swapped
        return _Task(teacher, Relabelling(text, references, output), pair, weight)

    def _train_student(self, tasks: Sequence[_Task]) -> None:
        pairs = [self._files.pairs.train(number) for number, _ in enumerate(self._weights, start=1)]
        pairs += [task.pair for task in tasks]
        weights = [*self._weights, *(task.weight for task in tasks)]
        training: dict[str, object] = {"minutes": self._student_minutes()}
        self._progress.note(f"student: {training['minutes']:.3g} minutes")
        start = self._start()
        if start:
            self._progress.note(f"it begins with what {start} has learnt")
        if start and not self._config.is_given("training.learning_rate"):
            training["learning_rate"] = _LEARNING_RATE * self._config.training.learning_rate
        changes = {
            "data": self._data(pairs, weights, self._files.pairs.valid, *self._languages),
            "training": self._config.training.model_copy(update=training),
        }
        self._train(self._config.model_copy(update=changes), self._files.student, start)

    def _start(self) -> Path | None:
        """The teacher with whose parameters the student begins; None unless one of the same network is trained."""
        dropout = {"dropout": self._config.model.dropout}
        teacher = build_config(_TEACHER_PRESET).model.model_copy(update=dropout)
        is_same = "forward" in self._missing and self._config.model == teacher
        return self._files.teacher("forward") if is_same else None

    def _student_minutes(self) -> float:
        """What is left of the time; after a resume, when that is not known, what the other stages leave at least."""
        if self._deadline is None:
            return (1 - _TRANSLATING - (_TEACHING if self._missing else 0)) * self._minutes
        return max((self._deadline - time.monotonic()) / 60, _LEARNING * self._minutes)

    def _data(
        self, pairs: Sequence[TextPair], weights: Sequence[float], valid: TextPair, src_lang: str, tgt_lang: str
    ) -> DataConfig:
        """Settings for a training on these files."""
        given = self._config.data
        return DataConfig(
            train_src=tuple(str(pair.src) for pair in pairs),
            train_tgt=tuple(str(pair.tgt) for pair in pairs),
            weights=tuple(weights),
            valid_src=str(valid.src),
            valid_tgt=str(valid.tgt),
            src_lang=src_lang,
            tgt_lang=tgt_lang,
            max_length=given.max_length,
            normalize=given.normalize,
        )

    def _train(self, config: Config, run: Path, start: Path | None = None) -> None:
        """Train in a run folder, or go on with the run that is there. start: a model to begin with."""
        begun = RunFolder(run).is_run
        config = RunFolder(run).read_config() if begun else config
        prepare = preparation_from(open_model(start)) if start else None
        progress = _StageProgress(self._progress.quiet)
        train(config, run, resume=begun, overwrite=False, progress=progress, prepare=prepare)

    def _compare(self) -> None:
        """Show the validation scores of the student and of its teachers."""
        valid = self._files.pairs.valid
        lines, references = list(read_lines(valid.src)), list(read_lines(valid.tgt))
        student = self._files.student
        metric = validation_metric(open_model(student).config.training.validation_metric)
        models = [("student, greedy", student, 1), ("student", student, None)]
        models += [("teacher", teacher, None) for teacher in self._teachers["forward"]]
        for name, model, beam_size in models:
            translations = Translator.load(model).translate(lines, beam_size=beam_size)
            score = score_corpus(translations, [references], [metric])[0].score
            self._progress.note(f"{name:<21} {metric} {score:.2f} on {len(lines):,} validation pairs")
