"""Run folders from an untrusted source, whose manifests match their contents."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.errors import InputError
from seq2seq.io.manifest import seal_folder
from seq2seq.runs.run_folder import RunFolder
from seq2seq.training.progress import Progress
from seq2seq.training.run import open_run, train

Damage = Callable[[Path], object]
QUIET = Progress(quiet=True)


def ids(name: str, *values: int) -> Damage:
    """Replace the first ids of a corpus."""

    def damage(data: Path) -> None:
        array = np.fromfile(data / name, "<i4")
        array[: len(values)] = values
        array.tofile(data / name)

    return damage


def offsets(name: str, *values: int) -> Damage:
    def damage(data: Path) -> None:
        np.array(values, "<i8").tofile(data / name)

    return damage


def text(name: str, content: str) -> Damage:
    return lambda data: (data / name).write_text(content)


DAMAGES: dict[str, Damage] = {
    "train/src.ids": ids("train/src.ids", 320),
    "train/src.ids negative": ids("train/src.ids", -1),
    "train/tgt.ids with eos": ids("train/tgt.ids", 3),
    "train/tgt.ids with padding": ids("train/tgt.ids", 0),
    "valid/src.ids": ids("valid/src.ids", 2**31 - 1),
    "train/src.offsets decreasing": offsets("train/src.offsets", 0, 5, 3),
    "train/src.offsets that wrap": offsets("train/src.offsets", 0, 2**62, -(2**62)),
    "train/src.offsets empty": offsets("train/src.offsets"),
    **{
        f"train/parts.json {parts}": text("train/parts.json", parts)
        for parts in (
            "[]",
            "{}",
            "[[1, 1.0]]",
            "[[190, 0]]",
            "[[190, -1]]",
            "[[190, 1e-300]]",
            "[[190, NaN]]",
            "[[190, Infinity]]",
            '[["190", 1.0, 2]]',
            "[[-5, 1.0], [195, 1.0]]",
            "[[" * 10_000,
        )
    },
    **{
        f"valid.json {pairs[:40]}": text("valid.json", pairs)
        for pairs in ("[]", "{}", "[[1, 2, 3]]", '[["a", "b"]]', '[["a", "b", "c"]]', "null", '[["a", "b", 1e400]]')
    },
    "joint.model": text("joint.model", "none"),
}


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.parametrize("name", DAMAGES)
def test_inconsistent_prepared_data_is_an_error(name: str, run: Path) -> None:
    (run / "data" / "manifest.json").unlink()
    DAMAGES[name](run / "data")
    seal_folder(run / "data")
    with pytest.raises(InputError) as caught:
        open_run(run)
    assert str(caught.value).startswith(f"{run / 'data'}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_intact_data_with_a_new_manifest_is_read(run: Path) -> None:
    """Control for the test above."""
    (run / "data" / "manifest.json").unlink()
    seal_folder(run / "data")
    open_run(run)


STATES: dict[str, dict[str, Any]] = {
    "negative step": {"step": -1},
    "step of 2^80": {"step": 2**80},
    "step with a fraction": {"step": 3.5},
    "Boolean step": {"step": True},
    "negative epoch": {"epoch": -1},
    "negative batch": {"batch": -1},
    "plan without steps": {"plan": {"total_steps": 0, "validate_every": 1}},
    "plan without validation": {"plan": {"total_steps": 9, "validate_every": 0}},
    "score is NaN": {"best_score": float("nan")},
    "negative records": {"records": -2},
    "incomplete sums": {"stretch": {"steps": 1}},
    "infinite sums": {"stretch": {"steps": 1, "tokens": 1, "loss": float("inf"), "seconds": 1.0}},
    "sums over no steps": {"stretch": {"steps": 0, "tokens": 1, "loss": 1.0, "seconds": 1.0}},
}


@pytest.mark.parametrize("name", STATES)
def test_an_inconsistent_state_is_an_error(name: str, run: Path) -> None:
    state = run / "steps" / str(json.loads(RunFolder(run).checkpoints.read_text())["last"]) / "state"
    content = json.loads((state / "training.json").read_text())
    (state / "training.json").write_text(json.dumps({**content, "finished": False, **STATES[name]}))
    (state / "manifest.json").unlink()
    seal_folder(state)
    config, _ = open_run(run)
    with pytest.raises(InputError, match=r"training.json: damaged \(") as caught:
        train(config, run, resume=True, overwrite=False, progress=QUIET)
    assert "\n" not in str(caught.value)


def test_a_model_with_other_vocabularies_is_not_resumed(run: Path, model: Path) -> None:
    RunFolder(run).checkpoints.write_text('{"best": 1, "last": 1}')
    last = next((run / "steps").iterdir())
    state = shutil.copytree(last / "state", run.parent / "state")
    shutil.copytree(state, shutil.copytree(model, run / "steps" / "1") / "state")
    config, _ = open_run(run)
    with pytest.raises(InputError, match="its vocabularies differ from those of the run's data"):
        train(config, run, resume=True, overwrite=False, progress=QUIET)


def test_files_of_older_versions_are_read(run: Path) -> None:
    """They had an infinite perplexity before the first validation, empty sums as `{}`, and BLEU as the only score."""
    state = run / "steps" / str(json.loads(RunFolder(run).checkpoints.read_text())["last"]) / "state"
    content = json.loads((state / "training.json").read_text())
    old = {"best_perplexity": float("inf"), "stretch": {}, "best_bleu": content.pop("best_score")}
    (state / "training.json").write_text(json.dumps({**content, **old}))
    assert "Infinity" in (state / "training.json").read_text()
    (state / "manifest.json").unlink()
    seal_folder(state)
    config, _ = open_run(run)
    assert train(config, run, resume=True, overwrite=False, progress=QUIET).finished


@pytest.mark.parametrize("name", ["config.json", "checkpoints.json"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_pipe_in_a_run_is_not_waited_for(name: str, resume: bool, run: Path) -> None:
    config, _ = open_run(run)
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(
        InputError, match=r"not a regular file|holds files but no run|was not written by this training run"
    ):
        train(config, run, resume=resume, overwrite=not resume, progress=QUIET)
    assert (run / "steps").is_dir()
