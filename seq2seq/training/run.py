"""A training run: its folder, its data and its model; started or resumed."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from seq2seq.config import Config, TrainingConfig, config_differences, did_you_mean
from seq2seq.data.corpus import Corpus
from seq2seq.data.preparation import PreparedData, load_data, prepare_data
from seq2seq.data.sources import DOWNLOADS, Sources, expect_readable, open_sources
from seq2seq.data.tuning_data import is_tuning
from seq2seq.distributed import Processes, drop_stray_variables
from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import DEFAULT_METRIC
from seq2seq.inference.export import export_model
from seq2seq.io.storage import (
    Workspace,
    expect_no_mounts,
    expect_replaceable,
    identity_of,
    is_leftover,
    real_path,
    recover_folder,
    to_json,
    write_file,
)
from seq2seq.runs.checkpoints import CheckpointStore, TrainingState
from seq2seq.runs.lock import locked
from seq2seq.runs.model_folder import ModelFolder
from seq2seq.runs.run_folder import RUNS, RunFolder, run_at
from seq2seq.runs.trained_model import TrainedModel, build_network, load_model
from seq2seq.threads import configure_libraries
from seq2seq.tokenizer.tokenizer import Tokenizers
from seq2seq.training.adaptation import adapt
from seq2seq.training.interruption import exiting_on_signal
from seq2seq.training.loop import Trainer
from seq2seq.training.progress import Progress
from seq2seq.training.recorder import Recorder

_DEFAULT_MINUTES = 15.0


Preparation = Callable[[Config, Sources, RunFolder, Progress], Config]
"""Fills the folder of a new run, except its settings, and reports on the data; returns the complete settings."""


def train(
    config: Config,
    run_folder: Path | None,
    *,
    resume: bool,
    overwrite: bool,
    progress: Progress,
    prepare: Preparation | None = None,
) -> TrainingState:
    """Train in `run_folder` and return the final state.

    prepare: by default for a training from the beginning.
    run_folder: by default named after the languages and the preset, in `checkpoints/` of the current folder.
    resume: continue from the folder's last checkpoint; without one, start from the beginning.
    overwrite: replace the run in the folder.
    Raises InputError for unusable data, a folder in use, a resume with different settings or a failed write;
    Interrupted after Ctrl-C or SIGTERM, with the current step saved.
    """
    started = time.monotonic()
    configure_libraries()
    stray_variables = drop_stray_variables()
    with Processes() as processes, ExitStack() as stack:
        if not processes.is_main:
            progress = Progress(quiet=True)
        if stray_variables:
            progress.warn(stray_variables)
        folder, config, last = processes.on_main(
            lambda: _open(config, run_folder, resume, overwrite, progress, stack, prepare or _prepare)
        )
        return _train_in(folder, config, last, processes, started, progress)


def _train_in(
    folder: Path, config: Config, last: Path | None, processes: Processes, started: float, progress: Progress
) -> TrainingState:
    """Train in the opened folder, from its last step if there is one; `started`: the monotonic time of the start."""
    run = RunFolder(real_path(folder))
    data = load_data(run.data, config.data, config.tokenizer)
    if last:
        model = load_model(last)
        if model.tokenizers.contents() != data.tokenizers.contents():
            raise InputError(f"{last}: damaged (its vocabularies differ from those of the run's data)")
    elif run.start.is_dir():
        start = load_model(run.start)
        network = build_network(config, start.tokenizers)  # its dropout may be another
        network.load_state_dict(start.network.state_dict())
        model = replace(start, config=config, network=network)
    else:
        torch.manual_seed(config.training.seed)
        model = TrainedModel(config, build_network(config, data.tokenizers), data.tokenizers, data.profile)
    deadline = started + 60 * config.training.minutes if config.training.minutes else None
    try:
        trainer = Trainer(config.training, model, data, Recorder(run, progress, processes), processes, deadline)
        if trainer.done:
            progress.note(f"{folder}: finished at step {trainer.state.step:,}, nothing left to do")
            return trainer.state
        progress.note(
            f"{_parameters(model):,} parameters, dropout {config.model.dropout:g}, {config.training.precision}, "
            f"{_length(config.training)}" + (f", resumed at step {trainer.state.step:,}" if last else "")
        )
        if trainer.validator.metric != DEFAULT_METRIC:
            progress.note(trainer.validator.description)
        state = trainer.run()
    except OSError as error:
        raise _disk_error(error, folder, _recovery_advice(CheckpointStore(run), folder)) from None
    progress.note(
        f"done: {state.step:,} steps in {(time.monotonic() - started) / 60:.1f} min; best at step "
        f"{state.best_step:,} with validation {trainer.validator.metric} {state.best_score:.2f}, in {folder}"
    )
    if not is_tuning(data):  # it has figures of its own
        for name, text in trainer.closing_lines.items():
            progress.note(f"{name.replace('_', ' '):<21} {text}")
    return state


def open_run(folder: Path) -> tuple[Config, PreparedData]:
    """The settings and the prepared data of a run. Raises InputError if there is none, or a file is damaged."""
    run = run_at(folder)
    if not run.is_run:
        raise InputError(f"{folder}: not a run folder; give the one that `seq2seq train -o` wrote")
    config = run.read_config()
    return config, load_data(run.data, config.data, config.tokenizer)


def _open(
    config: Config,
    folder: Path | None,
    resume: bool,
    overwrite: bool,
    progress: Progress,
    stack: ExitStack,
    prepare: Preparation,
) -> tuple[Path, Config, Path | None]:
    """Lock and check the folder, and start a run unless one is resumed.

    Returns the run's folder, its settings and the folder of its last step, if any.
    """
    sources = None
    if folder is None:
        languages = [config.data.src_lang, config.data.tgt_lang]
        if not all(languages):
            sources = open_sources(config.data, RUNS / DOWNLOADS)
            languages = [sources.src_lang, sources.tgt_lang]
        folder = RUNS / "-".join(filter(None, [*languages, config.preset]))
    expect_replaceable(folder)
    stack.enter_context(locked(folder))
    recover_folder(real_path(folder))
    try:
        _check_folder(folder, resume, overwrite)
    except InputError:
        expect_readable(config.data)  # In another folder, the data would be wrong too.
        raise
    store = CheckpointStore(RunFolder(real_path(folder)))
    if resume:
        store.recover()
    last = store.last if resume else None
    if last:
        return folder, _stored_config(config, folder), last
    if resume:
        if not folder.exists():
            progress.warn(f"{folder}: no such folder to resume from{_similar_run(folder)}")
        _expect_no_steps(RunFolder(folder))
        progress.note(f"{folder}: no checkpoint yet, starting from the beginning")
    try:
        return folder, _start_folder(_resolve(config), real_path(folder), sources, progress, prepare), None
    except OSError as error:
        raise _disk_error(error, folder, "training has not started: fix this and run the same command again") from None


def _disk_error(error: OSError, folder: Path, advice: str) -> InputError:
    return InputError(f"{error.filename or folder}: cannot be written ({error.strerror or error}); {advice}")


def _recovery_advice(store: CheckpointStore, folder: Path) -> str:
    step = store.last_step
    what = f"the checkpoint of step {step:,} is intact" if step else "there is no checkpoint yet"
    return f"{what} in {folder}: fix this and continue with --resume"


def _resolve(config: Config) -> Config:
    """Replace `auto` and unset values."""
    training = config.training
    changes: dict[str, object] = {}
    if training.precision == "auto":
        changes["precision"] = "bf16" if _computes_in_bf16() else "float32"
    if training.threads is None:
        changes["threads"] = torch.get_num_threads()
    if training.minutes is None and training.max_steps is None:
        changes["minutes"] = _DEFAULT_MINUTES
    return config.model_copy(update={"training": training.model_copy(update=changes)})


def _computes_in_bf16() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _check_folder(folder: Path, resume: bool, overwrite: bool) -> None:
    """See that the folder may be used, before anything is done."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder with -o")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not RunFolder(folder).is_run:
        raise InputError(f"{folder}: {_why_not_a_run(folder)}; give a new folder or a run folder with -o")
    if not resume and not overwrite:
        raise InputError(
            f"{folder}: already holds a run; give another folder with -o, continue the run with --resume, or replace "
            "it and its model with --overwrite"
        )
    if overwrite:
        _expect_no_foreign_files(RunFolder(folder))


def _similar_run(folder: Path) -> str:
    """A question that names a run next to `folder` with a similar name; empty if there is none."""
    siblings = folder.parent.iterdir() if folder.parent.is_dir() else ()
    return did_you_mean(folder.name, [path.name for path in siblings if RunFolder(path).is_run])


def _why_not_a_run(folder: Path) -> str:
    run = RunFolder(folder)
    if not run.data.exists() and run.has_config:
        return f"is a run without its {run.data.name}/"
    return f"holds files but no run (such as {min(path.name for path in folder.iterdir())})"


def _expect_same_folder(folder: Path, checked: tuple[int, int] | None) -> None:
    """Raises InputError if another folder, with files, has taken the name since it was checked."""
    if identity_of(folder) not in (None, checked) and any(folder.iterdir()):
        raise InputError(f"{folder}: was created while the data was prepared, and is kept; give another folder with -o")


def _expect_no_foreign_files(run: RunFolder) -> None:
    """Raises InputError if the folder of a run that is to be replaced holds files of the user's."""
    if foreign := next(run.foreign_files(), None):
        raise InputError(
            f"{foreign}: was not written by this training run and would be deleted; move it elsewhere first"
        )


def _expect_no_steps(run: RunFolder) -> None:
    """Raises InputError if there are steps that cannot be resumed from: they may be models worth keeping."""
    steps = run.steps.iterdir() if run.steps.is_dir() else ()
    if step := next((path for path in steps if not is_leftover(path)), None):
        raise InputError(
            f"{step}: is a model without training state, so training cannot resume; move it elsewhere, or give another "
            "folder with -o"
        )


def preparation_from(model: ModelFolder) -> Preparation:
    """For a training that begins with the parameters of a model, and has its vocabularies."""

    def prepare(config: Config, sources: Sources, run: RunFolder, progress: Progress) -> Config:
        config = _prepare(config, sources, run, progress, model.tokenizers)
        export_model(model, run.start)
        return config

    return prepare


def _prepare(
    config: Config, sources: Sources, run: RunFolder, progress: Progress, tokenizers: Tokenizers | None = None
) -> Config:
    """For a training from the beginning: vocabularies, unless given, and settings follow from the data."""
    report = prepare_data(config.data, config.tokenizer, sources, run.data, tokenizers)
    progress.report(report.lines(), report.main_warnings())
    if config.training.validation_metric is None and report.unspaced_targets:
        progress.note("BLEU needs spaces between words: validating by chrF instead (training.validation_metric)")
    target_tokens = Corpus(run.data / "train").target_tokens
    return adapt(config, target_tokens, unspaced_targets=report.unspaced_targets)


def _start_folder(
    config: Config, folder: Path, sources: Sources | None, progress: Progress, prepare: Preparation
) -> Config:
    """Prepare the data in a hidden workspace, then let the new run replace what was there.

    sources: those of the configuration, if already open.
    Returns the settings with the languages inferred from the data and the values derived from its size.
    """
    checked = identity_of(folder)
    expect_no_mounts(folder)
    with Workspace(folder) as workspace:
        new = RunFolder(workspace.new)
        with exiting_on_signal(workspace.close):
            sources = sources or open_sources(config.data, folder.parent / DOWNLOADS)
            languages = {"src_lang": sources.src_lang, "tgt_lang": sources.tgt_lang}
            config = config.model_copy(update={"data": config.data.model_copy(update=languages)})
            config = prepare(config, sources, new, progress)
        write_file(new.config_file, to_json(config.model_dump()))
        _expect_no_foreign_files(RunFolder(folder))
        _expect_same_folder(folder, checked)
        workspace.commit()
    if workspace.remains:
        progress.warn(f"{workspace.remains}: not all of the old run could be deleted; delete this folder")
    return config


def _stored_config(config: Config, folder: Path) -> Config:
    """The settings of the run. Raises InputError if `config` gives different ones; unset values do not count."""
    stored = RunFolder(folder).read_config()
    if differences := config_differences(stored, config):
        raise InputError(f"{folder}: --resume with settings that differ from the run's: {'; '.join(differences)}")
    return stored


def _parameters(model: TrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.network.parameters())


def _length(training: TrainingConfig) -> str:
    minutes = f"{training.minutes:g} minutes" if training.minutes else ""
    steps = f"{training.max_steps:,} steps" if training.max_steps else ""
    return f"{minutes} and at most {steps}" if minutes and steps else minutes or steps
