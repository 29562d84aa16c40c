"""The folder of a training: its name, and what is said about it before anything is trained."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.sources import open_sources
from seq2seq.errors import InputError
from seq2seq.training import run
from seq2seq.training.progress import Progress


def test_a_run_without_a_folder_is_named_and_its_sources_are_opened_once(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def watch(*arguments: object) -> object:
        opened.append(arguments)
        return open_sources(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "open_sources", watch)
    monkeypatch.chdir(tmp_path)
    config = tiny(training__max_steps=2)
    for side in ("src", "tgt"):
        (file,) = getattr(config.data, f"train_{side}")
        shutil.copy(file, f"train.{'fr' if side == 'src' else 'en'}")
    data = config.data.model_copy(update={"train_src": ("train.fr",), "train_tgt": ("train.en",)})
    data = data.model_copy(update={"src_lang": "", "tgt_lang": ""})
    config = config.model_copy(update={"data": data})
    run.train(config, None, resume=False, overwrite=False, progress=Progress(quiet=True))
    assert [path.name for path in Path("checkpoints").iterdir()] == [f"fr-en-{config.preset}"]
    assert len(opened) == 1
    run.train(config, None, resume=True, overwrite=False, progress=Progress(quiet=True))
    assert [path.name for path in Path("checkpoints").iterdir()] == [f"fr-en-{config.preset}"]


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ("", "no training data"),
        ("--train-src missing.fr --train-tgt words.en", "missing.fr: no such file"),
        ("--train three.tsv", "three.tsv: which columns are the sentences"),
        ("--train-src words.en --train-tgt words.en --valid-src words.en --valid-tgt other.en", "other.en: no such"),
        ("--train-src words.en --train-tgt words.en", "already holds a run"),
    ],
)
def test_mistakes_in_the_data_are_reported_before_those_of_the_folder(
    options: str, mistake: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("three.tsv").write_text("a\tb\tc\n", encoding="utf-8")
    Path("words.en").write_text("a\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["train", *options.split(), "-o", str(trained)])
    assert result.exit_code == 2
    assert mistake in result.stderr


def test_resume_names_a_run_with_a_similar_name(
    tiny: Callable[..., Config], trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "de-en-attention")
    data = tiny().data.model_copy(update={"train_src": ("missing.fr",)})
    for name, question in (
        ("de-en-atention", "resume from, did you mean de-en-attention?"),
        ("first", "resume from\n"),
    ):
        with pytest.raises(InputError, match="missing"):
            config = tiny().model_copy(update={"data": data})
            run.train(config, tmp_path / name, resume=True, overwrite=False, progress=Progress(quiet=False))
        assert question in " ".join(capsys.readouterr().err.split("  ")) + "\n"


@pytest.mark.skipif(
    not Path("/proc/cpuinfo").exists() or torch.cuda.is_available(), reason="needs Linux, without a GPU"
)
def test_bf16_is_used_where_the_processor_computes_in_it() -> None:
    # torch has no public question for it: this fails where a release changes the private ones.
    flags = set(re.findall(r"\S+", Path("/proc/cpuinfo").read_text()))
    assert run._computes_in_bf16() == bool(flags & {"avx512_bf16", "amx_tile"})
