"""A student learns from pairs and from what teachers make of them; a distillation that is stopped goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.config import Config, DataConfig
from seq2seq.data.distillation_data import TextPair
from seq2seq.io.lines import read_lines
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.network import EncoderDecoder
from seq2seq.presets import build_config
from seq2seq.runs.distillation_folder import DistillationFolder
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RunFolder
from seq2seq.runs.trained_model import build_network
from seq2seq.tokenizer.tokenizer import Tokenizers
from seq2seq.training.distillation import Teaching, distill
from seq2seq.training.progress import Progress
from seq2seq.training.relabelling import Relabelling


@pytest.fixture(scope="module")
def config(tiny: Callable[..., Config]) -> Config:
    return tiny(training__max_steps=6, training__minutes=5.0, data__src_lang="fr", data__tgt_lang="en")


def run(config: Config, folder: Path, teaching: Teaching, resume: bool = False) -> None:
    distill(config, teaching, folder, resume=resume, progress=Progress(quiet=True))


@pytest.fixture(scope="module")
def distilled(trained: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a forward teacher that is given; the backward one is trained."""
    folder = tmp_path_factory.mktemp("distilled") / "run"
    text = folder.parent / "mono.fr"
    text.write_text("six cinq\nzzz qqq xxx yyy\ntrois un un\n", encoding="utf-8")
    run(config, folder, Teaching(teachers=(str(trained),), mono_src=(str(text),)))
    return folder


def rows(files: TextPair) -> list[tuple[str, str]]:
    return list(zip(read_lines(files.src), read_lines(files.tgt), strict=True))


def test_the_student_learns_from_pairs_and_translations(
    distilled: Path, trained: Path, bitext: tuple[Path, Path]
) -> None:
    files = DistillationFolder(distilled)
    pairs, valid = rows(files.pairs.train(1)), rows(files.pairs.valid)
    assert sorted(pairs + valid) == sorted(zip(*map(read_lines, bitext), strict=True))
    forward, backward = rows(files.translations("forward-1-1")), rows(files.translations("backward-1-1"))
    assert [src for src, _ in forward] == [src for src, _ in pairs]
    assert [tgt for tgt, _ in backward] == [tgt for _, tgt in pairs]
    sources = RunFolder(files.student).read_config().data
    names = [Path(name).name for name in (*sources.train_src, *sources.train_tgt)]
    assert names == [
        *("train-1.src", "forward-1-1.src", "forward-mono-1.src", "backward-1-1.tgt"),
        *("train-1.tgt", "forward-1-1.tgt", "forward-mono-1.tgt", "backward-1-1.src"),
    ]
    assert not files.teacher("forward").exists()
    data = open_model(files.teacher("backward")).config.data
    assert (data.src_lang, data.tgt_lang) == ("en", "fr")


def test_of_several_translations_the_one_closest_to_the_reference_is_taken(distilled: Path, trained: Path) -> None:
    files = DistillationFolder(distilled)
    best = Translator.load(trained).translate([src for src, _ in rows(files.pairs.train(1))])
    references = [tgt for _, tgt in rows(files.pairs.train(1))]
    taken = [tgt for _, tgt in rows(files.translations("forward-1-1"))]
    right = [sum(map(str.__eq__, texts, references)) for texts in (taken, best)]
    assert right[0] > right[1]


def test_a_student_of_the_same_network_begins_with_what_its_teacher_learnt(
    trained: Path, bitext: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataConfig(train_src=(str(bitext[1]),), train_tgt=(str(bitext[0]),), src_lang="en", tgt_lang="fr")
    options = {"training.max_steps": 4, "training.minutes": 5.0, "training.threads": 1, "model.dropout": 0.25}
    config = build_config("attention", options=options).model_copy(update={"data": data})
    rates: list[set[float]] = []

    def recording(config: Config, tokenizers: Tokenizers) -> EncoderDecoder:
        network = build_network(config, tokenizers)
        rates.append({module.rate for module in network.modules() if isinstance(module, SequenceDropout)})
        return network

    monkeypatch.setattr("seq2seq.training.run.build_network", recording)
    run(config, tmp_path / "run", Teaching(reverse_teachers=(str(trained),)))
    files = DistillationFolder(tmp_path / "run")
    teacher, student = open_model(files.teacher("forward")), open_model(files.student)
    assert open_model(RunFolder(files.student).start).read_weights() == teacher.read_weights()
    assert student.tokenizers.contents() == teacher.tokenizers.contents()
    assert student.read_weights() != teacher.read_weights()
    assert rates == [{teacher.config.model.dropout}, {0.25}]
    assert teacher.config.model.dropout != 0.25
    assert student.config.training.learning_rate == teacher.config.training.learning_rate / 2


def test_unreliable_translations_of_further_text_are_left_out(distilled: Path) -> None:
    sources = [src for src, _ in rows(DistillationFolder(distilled).translations("forward-mono-1"))]
    assert "zzz qqq xxx yyy" not in sources
    assert "six cinq" in sources


def test_the_folder_is_the_student(distilled: Path) -> None:
    folder = DistillationFolder(distilled)
    assert open_model(distilled).path == open_model(folder.student).path
    for command in (
        ["info", str(distilled)],
        ["plot", "curves", str(distilled), "-o", str(distilled.parent / "x.svg")],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.stderr


def test_a_stopped_distillation_goes_on_to_the_same_student(
    distilled: Path, config: Config, trained: Path, tmp_path: Path
) -> None:
    teaching = Teaching(teachers=(str(trained),), mono_src=(str(distilled.parent / "mono.fr"),))
    folder = tmp_path / "run"
    shutil.copytree(distilled, folder)
    files = DistillationFolder(folder)
    shutil.rmtree(files.student)
    files.translations("backward-1-1").tgt.unlink()
    with pytest.raises(InputError, match="already holds a distillation; continue it with --resume"):
        run(config, folder, teaching)
    with pytest.raises(InputError, match=r"begun with other settings \(mono_src\)"):
        run(config, folder, Teaching(teachers=(str(trained),)), resume=True)
    run(config, folder, teaching, resume=True)
    assert RunFolder(files.student).read_config().training.minutes == pytest.approx(0.3 * 5)
    assert open_model(folder).read_weights() == open_model(distilled).read_weights()


def test_translation_is_limited_in_time_and_resumed(
    trained: Path, bitext: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.training.relabelling._BLOCK", 10)
    output = TextPair.at(tmp_path / "some")
    Relabelling(bitext[0], bitext[1], output).run(Translator.load(trained), 1e-9, Progress(quiet=True))
    assert rows(output) == []
    output = TextPair.at(tmp_path / "half")
    output.src.with_suffix("").mkdir()
    (output.src.with_suffix("") / "share.json").write_text("0.5")
    (output.src.with_suffix("") / "000001.json").write_text('[["kept", "as it was"]]')
    Relabelling(bitext[0], bitext[1], output).run(Translator.load(trained), 1.0, Progress(quiet=True))
    translated = rows(output)
    assert len(translated) == 91
    assert translated[10] == ("kept", "as it was")
    assert [src for src, _ in translated[:10]] == list(read_lines(bitext[0]))[1:20:2]
    assert not output.src.with_suffix("").exists()


def test_mistakes_are_reported_before_the_work(trained: Path, config: Config, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="translates from fr to en, but a teacher from en to fr is needed"):
        run(config, tmp_path / "a", Teaching(reverse_teachers=(str(trained),)))
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="empty: is empty"):
        run(config, tmp_path / "b", Teaching(teachers=(str(trained),), mono_tgt=(str(tmp_path / "empty"),)))
    with pytest.raises(InputError, match="-: is read several times, which only works with a file"):
        run(config, tmp_path / "b", Teaching(teachers=(str(trained),), mono_tgt=("-",)))
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "letter.txt").touch()
    with pytest.raises(InputError, match=r"holds files but no distillation \(letter.txt\)"):
        run(config, tmp_path / "c", Teaching())
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()
