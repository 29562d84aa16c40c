"""Helpers for the tests of interrupted and failing trainings."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from seq2seq.config import Config
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

QUIET = Progress(quiet=True)
_TIMING = "target_tokens_per_second"


class Killed(BaseException):
    """Stands for a killed process: nothing in the program catches it."""


def hashes(run: Path) -> dict[str, str]:
    """SHA-256 of each file of a run's checkpoints."""
    files = [run / "checkpoints.json", *sorted((run / "steps").rglob("*"))]
    return {
        str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()
    }


def records(run: Path) -> list[dict[str, Any]]:
    """The records of a run's curve without their timing."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key != _TIMING} for line in lines]


APP = "from seq2seq.cli import app; app()"
Outcome = tuple[dict[str, str], list[dict[str, Any]]]


def outcome(run: Path) -> Outcome:
    """All of a run that an interruption must not change. Asserts that there are no leftovers next to it."""
    assert not [path for path in (*run.parent.iterdir(), *run.rglob("*")) if "seq2seq-" in path.name]
    return hashes(run), records(run)


def run_to_the_end(config: Config, folder: Path, resume: bool = False) -> Outcome:
    train(config, folder, resume=resume, overwrite=False, progress=QUIET)
    return outcome(folder)


def command_line(config: Config, patch: str = "", threads: int = 2) -> list[str]:
    """The command that trains with the settings that `tiny` changes; patch: Python that its process runs first."""
    return [sys.executable, "-c", f"import torch; torch.set_num_threads({threads})\n{patch}\n{APP}", *arguments(config)]


def arguments(config: Config) -> list[str]:
    """The arguments of `seq2seq` for the settings that `tiny` changes."""
    settings = [
        f"{section}.{key}={value}"
        for section in ("tokenizer", "model", "training", "search")
        for key, value in getattr(config, section).model_dump(exclude_defaults=True).items()
    ]
    data = ["--train-src", *config.data.train_src, "--train-tgt", *config.data.train_tgt]
    return ["train", *data, *(word for setting in settings for word in ("--set", setting))]
