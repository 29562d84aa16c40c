"""Models and runs of before `data.normalize` and `tokenizer.symbols` existed read text as they were trained to."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2seq import InputError, Translator
from seq2seq.config import Config, complete_stored
from seq2seq.io.manifest import seal_folder
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RunFolder
from seq2seq.training.progress import Progress
from seq2seq.training.run import train


def forget_settings(path: Path) -> None:
    """Make a `config.json` that of an older version, and its folder as a whole again if it has a manifest."""
    content = json.loads(path.read_text(encoding="utf-8"))
    config = content.get("config", content)
    del config["data"]["normalize"], config["tokenizer"]["symbols"]
    path.write_text(json.dumps(content), encoding="utf-8")
    if (path.parent / "manifest.json").exists():
        (path.parent / "manifest.json").unlink()
        seal_folder(path.parent)


def test_settings_of_any_version_are_completed() -> None:
    assert complete_stored({"preset": "context"})["tokenizer"] == {"symbols": False}
    assert complete_stored({"tokenizer": {"symbols": True}})["tokenizer"] == {"symbols": True}
    assert complete_stored({"tokenizer": 1})["tokenizer"] == 1
    assert complete_stored([]) == []


@pytest.fixture
def old_run(trained: Path, tmp_path: Path) -> Path:
    run = shutil.copytree(trained, tmp_path / "run")
    for path in [run / "config.json", *run.glob("steps/*/config.json")]:
        forget_settings(path)
    return run


def test_an_old_model_reads_text_as_before(trained: Path, old_run: Path) -> None:
    assert not open_model(old_run).config.data.normalize
    assert not open_model(old_run).config.tokenizer.symbols
    old, new = (Translator.load(path) for path in (old_run, trained))
    lines = ["un\u00a0deux", " \u200b", "z\u0301", "un deux"]
    assert old.model.tokenizers.encode_sources(lines) == old.model.tokenizers.src.encode([s.strip() for s in lines])
    assert [translation.parts for translation in old.stream(lines)] == [1, 0, 1, 1]
    assert old.translate([lines[1]]) == [lines[1]]  # no letter to translate: it is copied
    assert [translation.parts for translation in new.stream(lines)] == [1, 0, 1, 1]
    assert old.translate(["un deux"]) == new.translate(["un deux"])


@pytest.mark.parametrize("order", [1, -1])
def test_an_old_model_and_a_new_one_form_an_ensemble_that_normalises(order: int, trained: Path, old_run: Path) -> None:
    ensemble = Translator.load(*[old_run, trained][::order])
    assert ensemble.translate(["un\u00a0deux\u200b", "\ufeff"]) == [*ensemble.translate(["un deux"]), ""]


def test_an_old_run_is_resumed_as_it_began(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    quiet = Progress(quiet=True)
    train(tiny(data__normalize=False, tokenizer__symbols=False), run, resume=False, overwrite=False, progress=quiet)
    for path in [run / "config.json", *run.glob("steps/*/config.json")]:
        forget_settings(path)
    with pytest.raises(InputError, match=r"data\.normalize: false -> true"):
        train(tiny(data__normalize=True), run, resume=True, overwrite=False, progress=quiet)
    with pytest.raises(InputError, match=r"tokenizer\.symbols: false -> true"):
        train(tiny(tokenizer__symbols=True), run, resume=True, overwrite=False, progress=quiet)
    assert train(tiny(), run, resume=True, overwrite=False, progress=quiet).finished
    config = RunFolder(run).read_config()
    assert not config.data.normalize
    assert not config.tokenizer.symbols
