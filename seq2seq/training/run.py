"""A whole training run: its folder, its data, its model; started or resumed."""

import shutil
import time
from pathlib import Path

import torch

from seq2seq.config import Config, TrainingConfig, config_differences, validate_config
from seq2seq.errors import InputError
from seq2seq.model_folder import TrainedModel, build_network, load_model
from seq2seq.storage import read_json, replace_file, to_json
from seq2seq.text.sources import DOWNLOADS, open_sources
from seq2seq.training.loop import Trainer
from seq2seq.training.metrics import MetricsLog
from seq2seq.training.preparation import load_data, prepare_data
from seq2seq.training.progress import Progress
from seq2seq.training.state import CheckpointStore, TrainingState

_DEFAULT_MINUTES = 15.0
_CONFIG, _DATA, _METRICS = "config.json", "data", "metrics.jsonl"


def train(config: Config, run_folder: Path, *, resume: bool, overwrite: bool, progress: Progress) -> TrainingState:
    """Train in `run_folder` and return how far it came.

    resume: go on from the folder's last checkpoint; without one, start afresh and say so.
    overwrite: delete the run that is there.
    Raises InputError for data that cannot be used, a folder that is in use, or a resume under other settings.
    """
    started = time.monotonic()
    _check_folder(run_folder, resume, overwrite)
    shown, run_folder = run_folder, run_folder.resolve()
    store = CheckpointStore(run_folder)
    last = store.last if resume else None
    if last:
        config = _stored_config(config, run_folder)
        data = load_data(run_folder / _DATA, config.tokenizer.joint)
        model = load_model(last)
    else:
        if resume:
            progress.note(f"{shown}: no checkpoint yet, starting from the beginning")
        config = _start_folder(_resolve(config), run_folder, progress)
        data = load_data(run_folder / _DATA, config.tokenizer.joint)
        torch.manual_seed(config.training.seed)
        model = TrainedModel(config, build_network(config, data.tokenizers), data.tokenizers)
    minutes = config.training.minutes
    deadline = started + 60 * minutes if minutes else None
    metrics = MetricsLog(run_folder / _METRICS, resume_step=int(last.name) if last else 0)
    trainer = Trainer(config.training, model, data, store, metrics, progress, deadline)
    if trainer.state.finished:
        progress.note(f"{shown}: finished at step {trainer.state.step:,}, nothing left to do")
        return trainer.state
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    progress.note(
        f"{parameters:,} parameters, {config.training.precision}, {_length(config.training)}"
        + (f", resumed at step {trainer.state.step:,}" if last else "")
    )
    state = trainer.run()
    progress.note(
        f"done: {state.step:,} steps in {(time.monotonic() - started) / 60:.1f} min; best at step {state.best_step:,} "
        f"with validation BLEU {state.best_bleu:.2f}, in {shown}"
    )
    return state


def _resolve(config: Config) -> Config:
    """Put facts in the place of `auto` and of what was left open."""
    training = config.training
    changes: dict[str, object] = {}
    if training.precision == "auto":
        changes["precision"] = "bf16" if _computes_in_bf16() else "float32"
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
        raise InputError(f"{folder}: is a file; -o names the folder of the run")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not _holds_a_run(folder):
        raise InputError(f"{folder}: holds files but no run; -o takes a new folder or that of a run")
    if not resume and not overwrite:
        raise InputError(
            f"{folder}: holds a run already; --resume goes on with it, --overwrite deletes it, -o FOLDER starts another"
        )


def _holds_a_run(folder: Path) -> bool:
    if not (folder / _DATA).is_dir():
        return False
    try:
        validate_config(read_json(folder / _CONFIG), _CONFIG)
    except InputError:
        return False
    return True


def _start_folder(config: Config, folder: Path, progress: Progress) -> Config:
    """Prepare the data out of sight; only then does the new run take the place of what was there.

    Returns the configuration with the languages that were found.
    """
    staging, old = (folder.with_name(folder.name + ending) for ending in (".preparing", ".old"))
    shutil.rmtree(staging, ignore_errors=True)
    try:
        sources = open_sources(config.data, folder.parent / DOWNLOADS)
        languages = {"src_lang": sources.src_lang, "tgt_lang": sources.tgt_lang}
        config = config.model_copy(update={"data": config.data.model_copy(update=languages)})
        report = prepare_data(config.data, config.tokenizer, config.training.seed, sources, staging / _DATA)
        progress.report(report.lines(), report.warnings())
        replace_file(staging / _CONFIG, to_json(config.model_dump()))
        if folder.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return config
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _stored_config(config: Config, folder: Path) -> Config:
    """The settings of the run. Raises InputError where `config` asks for others; what it leaves open does not count."""
    path = folder / _CONFIG
    stored = validate_config(read_json(path), str(path))
    if differences := config_differences(stored, config):
        raise InputError(
            f"{folder}: --resume with other settings than the run was started with: {'; '.join(differences)}"
        )
    return stored


def _length(training: TrainingConfig) -> str:
    minutes = f"{training.minutes:g} minutes" if training.minutes else ""
    steps = f"{training.max_steps:,} steps" if training.max_steps else ""
    return f"{minutes} and at most {steps}" if minutes and steps else minutes or steps
