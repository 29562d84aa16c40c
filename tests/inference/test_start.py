"""Translating loads torch only if the engine does not support the model, and numpy only with torch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq import Translator
from seq2seq.inference.engine import Engine, engine_of
from seq2seq.inference.export import export_model
from seq2seq.inference.translator import Translation
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.trained_model import TrainedModel, load_model

RUN = """
import sys
from seq2seq.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
print("torch" in sys.modules, "numpy" in sys.modules, file=sys.stderr)
"""


def loaded(*words: object, stdin: str = "") -> str:
    """Whether a command loaded torch, and numpy."""
    command = [sys.executable, "-c", RUN, *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stderr.splitlines()[-1]


def test_translate_loads_neither(trained: Path) -> None:
    assert loaded("translate", trained, stdin="un deux\n") == "False False"


# The packages of an installation for translating only, and what they need themselves.
LIGHT = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *where):
        return None if name in sys.argv[1].split() else self.finder.find_spec(name, *where)
sys.meta_path = [Without(finder) for finder in sys.meta_path]
from seq2seq.cli import app
app(sys.argv[2:])
"""
HEAVY = (
    "torch numpy accelerate datasets ftfy huggingface_hub langcodes lxml py3langid pyarrow python_calamine yaml "
    "sacrebleu safetensors translate zstandard"
)


def run_light(*words: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", LIGHT, HEAVY, *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True)


def test_four_packages_are_enough_to_translate(trained: Path, tmp_path: Path) -> None:
    lines = "un deux\n" + "The weather is nice today and we are going to the beach.\n" * 20
    result = run_light("translate", trained, stdin=lines)
    assert (result.returncode, result.stdout.count("\n")) == (0, 21)
    assert result.stdout.splitlines()[0] == Translator.load(trained).translate(["un deux"])[0]
    (tmp_path / "table.csv").write_text("id,fr\n1,un deux\n")
    options = ["--table", tmp_path / "table.csv", "--src-column", "fr", "-o", tmp_path / "out.csv"]
    assert run_light("translate", trained, *options).returncode == 0
    assert run_light("info", trained).returncode == 0


def test_what_needs_more_packages_says_so(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("un\ndeux\n")
    sides = ["--train-src", tmp_path / "text", "--train-tgt", tmp_path / "text"]
    for command in (["train", *sides], ["evaluate", trained, "--src", tmp_path / "text", "--ref", tmp_path / "text"]):
        result = run_light(*command)
        assert result.returncode == 2
        assert result.stderr.startswith("seq2seq: error: this needs the package ")
        assert result.stderr.count("\n") == 1


def test_an_ensemble_loads_torch(trained: Path) -> None:
    assert loaded("translate", trained, trained, stdin="un deux\n") == "True True"


def test_evaluate_does_not_load_torch(trained: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("un deux\ntrois\n")
    assert loaded("evaluate", trained, "--src", text, "--ref", text).split()[0] == "False"


def test_the_engine_and_the_network_translate_alike(trained: Path) -> None:
    engine, network = Translator.load(trained), Translator(load_model(trained))
    assert isinstance(engine.model, Engine)
    lines = ["un deux trois", "", "six " * 200, "Zürich 東京 🙂", "quatre"]
    for actual, expected in zip(engine.stream(lines, n_best=3), network.stream(lines, n_best=3), strict=True):
        assert [hypothesis.text for hypothesis in actual.hypotheses] == [
            hypothesis.text for hypothesis in expected.hypotheses
        ]
        scores = [[hypothesis.score for hypothesis in both.hypotheses] for both in (actual, expected)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5, rel=1e-6)


def test_the_engine_of_a_model_in_memory_follows_its_parameters(trained: Path) -> None:
    model, lines = load_model(trained), ["un deux trois", "six " * 9, "quatre"]

    def translations() -> list[Translation]:
        engine = engine_of(model)
        assert engine
        return list(Translator(engine).stream(lines, n_best=2))

    before = translations()
    loaded = Translator.load(trained).stream(lines, n_best=2)
    assert before == [replace(translation, confidence=None) for translation in loaded]
    model.network.output_bias.data[-1] += 50  # of a piece of text
    changed = translations()
    expected = list(Translator(model).stream(lines, n_best=2))
    assert [translation.hypotheses[0].text for translation in changed] == [
        translation.hypotheses[0].text for translation in expected
    ]
    assert changed[0].hypotheses[0].text != before[0].hypotheses[0].text


def test_results_do_not_depend_on_the_number_of_workers(trained: Path) -> None:
    translator = Translator.load(trained, batch_size=2)
    assert isinstance(translator.model, Engine)
    lines = [" ".join(["un", "deux", "trois", "quatre"][: 1 + number % 4] * (1 + number % 3)) for number in range(60)]
    results = [
        list(Translator(replace(translator.model, workers=workers), batch_size=2).stream(lines, n_best=2))
        for workers in (1, 4)
    ]
    assert results[0] == results[1]


def test_without_the_compiled_engine_torch_translates_and_a_warning_says_so(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["un deux trois", "six"]
    export_model(open_model(trained), tmp_path / "int8", int8=True)
    expected = [Translator.load(path).translate(lines) for path in (trained, tmp_path / "int8")]
    monkeypatch.setattr("seq2seq.inference.engine.isa_levels", lambda: range(0))
    for path, text in zip((trained, tmp_path / "int8"), expected, strict=True):
        with pytest.warns(RuntimeWarning, match="install a C\\+\\+ compiler"):
            translator = Translator.load(path)
        assert isinstance(translator.model, TrainedModel)
        assert translator.translate(lines) == text


@pytest.mark.parametrize(("value", "workers"), [("3", 3), ("2,1", 2)])
def test_omp_num_threads_is_respected(value: str, workers: int, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    engine = Translator.load(trained).model
    assert isinstance(engine, Engine)
    assert engine.workers == workers


def test_models_that_the_engine_does_not_know_run_in_torch(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.inference.translator.load_engine", lambda _: None)
    translator = Translator.of([open_model(trained)])
    assert isinstance(translator.model, TrainedModel)
    assert translator.translate(["six"]) == ["six"]
