"""A trained model learns from corrections, keeps what it knows, and stays the same model otherwise."""

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import WORDS
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.preparation import load_data
from seq2seq.data.tuning_data import ValidationParts
from seq2seq.presets import build_config
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RunFolder
from seq2seq.runs.trained_model import load_model
from seq2seq.training.fine_tuning import fine_tune
from seq2seq.training.progress import Progress


def corrected(folder: Path, model: Path, count: int = 40) -> Path:
    """Translations by the model, in which "two" is corrected."""
    draw = random.Random(3)
    sources = [" ".join(draw.choices(list(WORDS), k=draw.randint(2, 5))) for _ in range(12 * count)]
    pairs = zip(sources, Translator.load(model).translate(sources), strict=True)
    rows = [f"{src}\t{tgt.replace('two', 'pair')}" for src, tgt in pairs if "deux" in src and "two" in tgt][:count]
    assert len(rows) == count
    path = folder / "corrections.tsv"
    path.write_text("fr\ten\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def given(corrections: Path, **training: object) -> Config:
    settings = {f"training.{name}": value for name, value in training.items()}
    return build_config(options={"data.train": (str(corrections),), "training.precision": "float32", **settings})


def tune(model: Path, config: Config, folder: Path, max_loss: float = 100.0, resume: bool = False) -> None:
    quiet = Progress(quiet=True)
    fine_tune(model, config, folder, max_loss=max_loss, resume=resume, overwrite=False, progress=quiet)


@pytest.fixture(scope="module")
def tuned(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    config = given(corrected(folder, trained), learning_rate=0.02, max_steps=300, batch_tokens=256)
    tune(trained, config, folder / "run")
    return folder / "run"


def test_a_correction_is_learnt_and_the_rest_kept(trained: Path, tuned: Path) -> None:
    before, after = Translator.load(trained), Translator.load(tuned)
    lines = ["deux six", "six deux", "trois deux quatre"]
    assert all("pair" not in text for text in before.translate(lines))
    assert all("pair" in text and "two" not in text for text in after.translate(lines))
    numerals = ["six", "trois quatre", "quatre trois", "cinq six"]
    assert sum(one == other for one, other in zip(*(t.translate(numerals) for t in (before, after)), strict=True)) >= 3


def test_vocabulary_network_and_languages_stay(trained: Path, tuned: Path) -> None:
    before, after = open_model(trained), open_model(tuned)
    assert after.tokenizers.contents() == before.tokenizers.contents()
    assert (after.config.model, after.config.search) == (before.config.model, before.config.search)
    assert len(after.read_weights()) == len(before.read_weights())
    assert (after.config.data.src_lang, after.config.data.tgt_lang) == ("fr", "en")
    assert re.search(r"corrected words 0% -> (9.|100)% in the output \(pair\)", str(after.metadata["tuning"]))


def test_old_pairs_without_the_replaced_word_are_replayed(trained: Path, tuned: Path) -> None:
    config = RunFolder(tuned).read_config()
    data = load_data(RunFolder(tuned).data, config.data, config.tokenizer)
    new, replayed = data.train.parts
    texts = [data.tokenizers.tgt.decode(data.train.tgt[number].tolist()) for number in range(len(data.train))]
    assert all("pair" in text for text in texts[: new.pairs])
    assert replayed.pairs
    assert not any("two" in text.split() or "pair" in text for text in texts[new.pairs :])
    tokens = [data.train.tgt.span(*ends) for ends in ((0, new.pairs), (new.pairs, len(data.train)))]
    assert replayed.weight * tokens[1] == pytest.approx(2 * new.weight * tokens[0])
    parts = ValidationParts.of(data)
    assert (parts.held_out, parts.held_out + parts.trained, parts.corrected) == (2, 40, ("pair",))
    new_pairs = data.valid_pairs[: -parts.old]
    assert new_pairs == new_pairs[:40] * round(len(new_pairs) / 40)
    assert all("pair" not in pair.tgt for pair in data.valid_pairs[-parts.old :])


def test_a_model_folder_without_its_data_can_be_tuned(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(open_model(trained).path, tmp_path / "model", ignore=shutil.ignore_patterns("state"))
    shutil.copytree(tmp_path / "model", tmp_path / "copy")
    tune(tmp_path / "model", given(corrected(tmp_path, trained), max_steps=3), tmp_path / "run")
    assert len(RunFolder(tmp_path / "run").read_config().data.train) == 1
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "model" / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()


def test_the_change_is_reduced_until_the_loss_is_small_enough(trained: Path, tmp_path: Path) -> None:
    """With a learning rate far too high, nothing of what was learnt may be kept."""
    config = given(corrected(tmp_path, trained), learning_rate=1.0, max_steps=30, warmup_steps=0)
    with pytest.raises(InputError, match=r"--max-loss permits 0\.5"):
        tune(trained, config, tmp_path / "run", max_loss=0.5)


def test_part_of_the_change_is_kept_if_all_of_it_loses_too_much(trained: Path, tmp_path: Path) -> None:
    config = given(corrected(tmp_path, trained), learning_rate=0.05, max_steps=30, warmup_steps=0)
    with pytest.raises(InputError) as error:
        tune(trained, config, tmp_path / "run", max_loss=0)
    loss = float(re.findall(r"loses ([0-9.]+)", str(error.value))[0])
    after = load_model(tmp_path / "run").network.state_dict()
    tune(trained, config, tmp_path / "run", max_loss=0.6 * loss, resume=True)
    kept = int(re.findall(r"change (\d+)% of it kept", str(open_model(tmp_path / "run").metadata["tuning"]))[0])
    assert 0 < kept < 100
    before, tuned = (load_model(path).network.state_dict() for path in (trained, tmp_path / "run"))
    for name in before:
        change = after[name] - before[name]
        torch.testing.assert_close(tuned[name], before[name] + kept / 100 * change, atol=0.01, rtol=0.01)


def test_the_same_command_gives_the_same_model(trained: Path, tuned: Path, tmp_path: Path) -> None:
    """And with --resume it leaves a finished one as it is."""
    config = given(tuned.parent / "corrections.tsv", learning_rate=0.02, max_steps=300, batch_tokens=256)
    tune(trained, config, tmp_path / "run")
    assert open_model(tmp_path / "run").read_weights() == open_model(tuned).read_weights()
    tune(trained, config, tmp_path / "run", resume=True)
    assert open_model(tmp_path / "run").read_weights() == open_model(tuned).read_weights()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "model.hidden_size=64"], "only training.*, data.held_out and data.max_invalid can be set"),
        (["--set", "data.max_length=9"], "only training.*, data.held_out and data.max_invalid can be set"),
        (["--tgt-lang", "de"], "the model's language is en"),
        (["--resume", "--overwrite"], "cannot be combined"),
        (["--max-loss", "-1"], "max-loss"),
    ],
)
def test_mistakes_are_one_line(options: list[str], message: str, trained: Path, tmp_path: Path) -> None:
    arguments = [
        "tune",
        str(trained),
        "--train",
        str(corrected(tmp_path, trained)),
        "-o",
        str(tmp_path / "run"),
        *options,
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", [".", "steps/{best}"])
def test_a_model_is_not_tuned_into_its_own_run(model: str, trained: Path, tmp_path: Path) -> None:
    """Nor is a step of it: --overwrite would delete the others, and the data."""
    best = json.loads((trained / "checkpoints.json").read_bytes())["best"]
    config = given(corrected(tmp_path, trained))
    quiet = Progress(quiet=True)
    with pytest.raises(InputError, match="holds the model itself"):
        step = trained / model.format(best=best)
        fine_tune(step, config, trained, max_loss=1.0, resume=False, overwrite=True, progress=quiet)
    assert json.loads((trained / "checkpoints.json").read_bytes())["best"] == best


def test_only_a_fine_tuning_of_the_same_model_is_resumed(trained: Path, tuned: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a fine-tuning of another model"):
        tune(tuned, build_config(), shutil.copytree(tuned, tmp_path / "tuned"), resume=True)
    with pytest.raises(InputError, match="is not a fine-tuning"):
        tune(tuned, build_config(), shutil.copytree(trained, tmp_path / "trained"), resume=True)


def test_files_next_to_the_model_stay_where_they_are(trained: Path, tmp_path: Path) -> None:
    model = shutil.copytree(open_model(trained).path, tmp_path / "model")
    (model / "notes").mkdir()
    tune(model, given(corrected(tmp_path, trained), max_steps=3), tmp_path / "run")
    assert list(RunFolder(tmp_path / "run").foreign_files()) == []
    assert open_model(tmp_path / "run" / "start").read_weights() == open_model(model).read_weights()


def test_rows_that_cannot_be_read_may_be_left_out(trained: Path, tmp_path: Path) -> None:
    """With the setting that the error names."""
    corrections = corrected(tmp_path, trained)
    corrections.write_text(corrections.read_text(encoding="utf-8") + "deux\n" * 10, encoding="utf-8")
    arguments = ["tune", str(trained), "--train", str(corrections), "-o", str(tmp_path / "run"), "-q"]
    arguments += ["--invalid-lines", "skip", "--max-loss", "100", "--set", "training.max_steps=3"]
    advice = "--set data.max_invalid=0.2"
    assert advice in CliRunner().invoke(app, arguments).stderr
    assert CliRunner().invoke(app, [*arguments, *advice.split()]).exit_code == 0


def test_steps_grow_with_the_root_of_the_pairs(trained: Path, tmp_path: Path, tiny: Callable[..., Config]) -> None:
    corrections = corrected(tmp_path, trained, count=420)
    tune(trained, given(corrections, minutes=0.02), tmp_path / "run")
    # 400 pairs are trained on: twice the steps of a hundred.
    assert RunFolder(tmp_path / "run").read_config().training.max_steps == pytest.approx(300, abs=12)


def test_each_of_a_few_corrections_is_trained_on(trained: Path, tmp_path: Path) -> None:
    tune(trained, given(corrected(tmp_path, trained, count=2), max_steps=2), tmp_path / "run")
    config = RunFolder(tmp_path / "run").read_config()
    data = load_data(RunFolder(tmp_path / "run").data, config.data, config.tokenizer)
    parts = ValidationParts.of(data)
    assert (parts.held_out, parts.trained) == (0, 2)
    assert [part.pairs for part in data.train.parts[:2]] == [1, 1]
