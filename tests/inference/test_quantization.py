"""Models in int8: written by `seq2seq export`, close to their originals, and the same whatever stands beside a line."""

from pathlib import Path

import pytest
from random_networks import Packed, sentences
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.weights import quantize
from seq2seq.model.weights import load_weights
from seq2seq.native.library import isa_levels
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
def test_it_finds_nearly_what_the_reference_finds_with_the_rounded_weights(attention: str, tmp_path: Path) -> None:
    """The engine rounds the inputs of each product too, each row by its largest."""
    packed = Packed.make(tmp_path / "weights", attention=attention, hidden_size=34, embedding_size=19)
    request, sources = SearchOptions(beam_size=1, length_penalty=1.0, length_ratio=0, length_extra=3), sentences(8)
    original = packed.reference(sources, request)
    packed.path.write_bytes(quantize(packed.path.read_bytes()))
    load_weights(packed.network, packed.path, "cpu")
    expected = packed.reference(sources, request)
    assert expected != original
    for level in isa_levels():
        found = CompiledNetwork(packed.take(), level).search_batch(sources, request)
        pairs = [(one[0], other[0]) for one, other in zip(found, expected, strict=True)]
        differences = [abs(one.score - other.score) for one, other in pairs if one.tokens == other.tokens]
        assert len(differences) >= 7
        assert 0 < max(differences) < 0.1


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_all_instruction_sets_round_alike(attention: str, tmp_path: Path) -> None:
    """Up to a rounding of the last bit, which may tip an activation over to the next integer."""
    packed = Packed.make(tmp_path / "weights", attention=attention, hidden_size=34, embedding_size=19)
    packed.path.write_bytes(quantize(packed.path.read_bytes()))
    request, sources = SearchOptions(beam_size=3, length_penalty=1.0, n_best=2, length_ratio=1), sentences(8)
    first, *others = (CompiledNetwork(packed.take(), level).search_batch(sources, request) for level in isa_levels())
    for found in others:
        for one, other in zip(found, first, strict=True):
            assert one[0].score == pytest.approx(other[0].score, abs=0.03)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_sentence_does_not_depend_on_the_batch(attention: str, tmp_path: Path) -> None:
    packed = Packed.make(tmp_path / "weights", attention=attention)
    packed.path.write_bytes(quantize(packed.path.read_bytes()))
    network, sources = packed.take(), sentences(20)
    request = SearchOptions(beam_size=4, length_penalty=1.0, n_best=3, length_ratio=1)
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        assert [found for source in sources for found in search([source], request)] == search(sources, request)


def test_an_exported_model_translates(trained: Path, int8: Path, tmp_path: Path) -> None:
    invoke("export", trained, "-o", tmp_path / "copy")
    copy, rounded, original = (Translator.load(path) for path in (tmp_path / "copy", int8, trained))
    assert copy.translate(LINES) == original.translate(LINES)
    assert len(rounded.translate(LINES)) == len(LINES)
    scores = [[one.hypotheses[0].score for one in model.stream(LINES)] for model in (rounded, original)]
    assert scores[0] == pytest.approx(scores[1], abs=0.1)
    assert open_model(int8).metadata["weights"] == "int8"
    weights = [(folder / "model.safetensors").stat().st_size for folder in (int8, tmp_path / "copy")]
    assert weights[0] < weights[1] / 2


def test_what_int8_cannot_do_is_told_in_a_line(trained: Path, int8: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can only translate, alone"):
        Translator.load(int8, trained)
    with pytest.raises(InputError, match="can only translate, alone"):
        TrainedModel.load(open_model(int8))
    for words in (("--int8", "-o", tmp_path / "new"), ("-o", int8)):
        result = CliRunner().invoke(app, ["export", str(int8), *map(str, words)])
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
