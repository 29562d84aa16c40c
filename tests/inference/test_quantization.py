"""Int8 models: written by `seq2seq export`, close to the originals, and independent of the batch."""

from pathlib import Path

import pytest
from random_networks import RandomNetwork, sentences
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.quantization import quantize
from seq2seq.model.weights import load_weights
from seq2seq.native.engine import isa_levels
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.search.options import SearchOptions

LINES = ["un deux trois", "", "six six quatre", "cinq"]
ATTENTIONS = ["none", "dot", "general", "additive"]


def invoke(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def int8(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "model"
    invoke("export", trained, "--int8", "-o", folder)
    return folder


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_int8_engine_is_close_to_the_reference_with_rounded_weights(attention: str, tmp_path: Path) -> None:
    """The engine also rounds the inputs of each product, scaled by the largest value of each row."""
    random_network = RandomNetwork.create(tmp_path / "weights", attention=attention, hidden_size=34, embedding_size=19)
    options, sources = SearchOptions(beam_size=1, length_penalty=1.0, length_ratio=0, length_extra=3), sentences(8)
    original = random_network.reference(sources, options)
    random_network.path.write_bytes(quantize(random_network.path.read_bytes()))
    load_weights(random_network.network, random_network.path, "cpu")
    expected = random_network.reference(sources, options)
    assert expected != original
    for level in isa_levels():
        actual = CompiledNetwork(random_network.to_engine(), level).search_batch(sources, options)
        pairs = [(ours[0], theirs[0]) for ours, theirs in zip(actual, expected, strict=True)]
        differences = [abs(ours.score - theirs.score) for ours, theirs in pairs if ours.tokens == theirs.tokens]
        assert len(differences) >= 7
        assert 0 < max(differences) < 0.1


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_all_instruction_sets_round_alike(attention: str, tmp_path: Path) -> None:
    """Up to the last bit, which may round an activation to the next integer."""
    random_network = RandomNetwork.create(tmp_path / "weights", attention=attention, hidden_size=34, embedding_size=19)
    random_network.path.write_bytes(quantize(random_network.path.read_bytes()))
    options, sources = SearchOptions(beam_size=3, length_penalty=1.0, n_best=2, length_ratio=1), sentences(8)
    first, *others = (
        CompiledNetwork(random_network.to_engine(), level).search_batch(sources, options) for level in isa_levels()
    )
    for results in others:
        for ours, theirs in zip(results, first, strict=True):
            assert ours[0].score == pytest.approx(theirs[0].score, abs=0.03)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_sentence_does_not_depend_on_the_batch(attention: str, tmp_path: Path) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights", attention=attention)
    random_network.path.write_bytes(quantize(random_network.path.read_bytes()))
    network, sources = random_network.to_engine(), sentences(20)
    options = SearchOptions(beam_size=4, length_penalty=1.0, n_best=3, length_ratio=1)
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        assert [hypotheses for source in sources for hypotheses in search([source], options)] == search(
            sources, options
        )


def test_an_exported_model_translates(trained: Path, int8: Path, tmp_path: Path) -> None:
    invoke("export", trained, "-o", tmp_path / "copy")
    copy, rounded, original = (Translator.load(path) for path in (tmp_path / "copy", int8, trained))
    assert copy.translate(LINES) == original.translate(LINES)
    assert len(rounded.translate(LINES)) == len(LINES)
    scores = [[translation.hypotheses[0].score for translation in model.stream(LINES)] for model in (rounded, original)]
    assert scores[0] == pytest.approx(scores[1], abs=0.1)
    assert open_model(int8).metadata["weights"] == "int8"
    weights = [(folder / "model.safetensors").stat().st_size for folder in (int8, tmp_path / "copy")]
    assert weights[0] < weights[1] / 2


def test_unsupported_uses_of_int8_are_a_one_line_error(trained: Path, int8: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can only translate, alone"):
        Translator.load(int8, trained)
    with pytest.raises(InputError, match="can only translate, alone"):
        TrainedModel.load(open_model(int8))
    for words in (("--int8", "-o", tmp_path / "new"), ("-o", int8)):
        result = CliRunner().invoke(app, ["export", str(int8), *map(str, words)])
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
