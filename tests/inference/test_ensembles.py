"""Ensembles of trained models, in Python and on the command line."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.preparation import load_data
from seq2seq.io.manifest import FolderWriter
from seq2seq.runs.trained_model import TrainedModel, build_network, load_model, write_model
from seq2seq.tokenizer.tokenizer import BOS, EOS, Tokenizers
from seq2seq.tokenizer.training import train_tokenizer
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

WORDS = ["un", "deux", "trois", "quatre", "cinq", "six"]
_DRAW = random.Random(3)
LINES = [*(" ".join(_DRAW.choices(WORDS, k=_DRAW.randint(1, 8))) for _ in range(20)), "", "Zürich 🙂", "six " * 100]


def with_settings(model: TrainedModel, **sections: dict[str, Any]) -> TrainedModel:
    """The model with changes to its configuration, by section."""
    changed = {name: getattr(model.config, name).model_copy(update=keys) for name, keys in sections.items()}
    return replace(model, config=model.config.model_copy(update=changed))


@pytest.fixture(scope="module")
def publish(tmp_path_factory: pytest.TempPathFactory) -> Callable[[TrainedModel], Path]:
    def write(model: TrainedModel) -> Path:
        folder = FolderWriter(tmp_path_factory.mktemp("models") / "model")
        write_model(folder, model, {})
        return folder.publish()

    return write


@pytest.fixture(scope="module")
def sibling(trained: Path, publish: Callable[[TrainedModel], Path]) -> Path:
    """A similar model that often disagrees, with a lower length limit and another beam size."""
    model = load_model(trained)
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.3 * parameter.std(correction=0) * torch.randn_like(parameter))
    return publish(with_settings(model, data={"max_length": 40}, search={"beam_size": 1}))


def invoke(*words: object, stdin: str | None = None) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_members_disagree(trained: Path, sibling: Path) -> None:
    """Otherwise these tests would show little."""
    first, second, both = (Translator.load(*paths) for paths in ([trained], [sibling], [trained, sibling]))
    texts = [translator.translate(LINES[:20], beam_size=4) for translator in (first, second, both)]
    assert texts[0] != texts[1]
    assert texts[2] not in texts[:2]


@pytest.mark.parametrize("count", [2, 3])
def test_an_ensemble_of_one_model_equals_the_model(count: int, trained: Path) -> None:
    ensemble = Translator.load(*[trained] * count).stream(LINES, n_best=3)
    for actual, expected in zip(ensemble, Translator.load(trained).stream(LINES, n_best=3), strict=True):
        assert [hypothesis.text for hypothesis in actual.hypotheses] == [
            hypothesis.text for hypothesis in expected.hypotheses
        ]
        for name in ("score", "log_prob"):
            values = [[getattr(hypothesis, name) for hypothesis in both.hypotheses] for both in (actual, expected)]
            assert values[0] == pytest.approx(values[1], abs=1e-4)


def test_scores_match_the_mean_of_the_members_under_forced_scoring(trained: Path, sibling: Path) -> None:
    ensemble = Translator.load(trained, sibling)
    models = [load_model(path) for path in (trained, sibling)]
    tokenizers = models[0].tokenizers
    for line in LINES[:10]:
        (translation,) = ensemble.stream([line], n_best=4)
        src = torch.tensor([[*tokenizers.src.encode([line])[0], EOS]])
        for hypothesis in translation.hypotheses:
            # In this toy language, encoding a text gives the pieces that the search found.
            tgt = torch.tensor([[BOS, *tokenizers.tgt.encode([hypothesis.text])[0], EOS]])
            with torch.no_grad():
                logits = [model.network(src, torch.tensor([src.size(1)]), tgt[:, :-1]) for model in models]
            mean = torch.stack([member.softmax(dim=-1) for member in logits]).mean(dim=0)
            forced = mean.gather(2, tgt[:, 1:, None]).log().sum().item()
            assert hypothesis.log_prob == pytest.approx(forced, abs=1e-4)


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_line_does_not_depend_on_the_batch(batch_size: int, beam_size: int, trained: Path, sibling: Path) -> None:
    expected = Translator.load(trained, sibling).translate(LINES, beam_size=beam_size)
    translator = Translator.load(trained, sibling, batch_size=batch_size)
    assert translator.translate(LINES, beam_size=beam_size) == expected
    assert translator.translate(LINES[::-1], beam_size=beam_size) == expected[::-1]


def test_the_order_of_the_members_determines_only_the_search_settings(trained: Path, sibling: Path) -> None:
    first, second = Translator.load(trained, sibling), Translator.load(sibling, trained)
    assert first.translate(LINES, beam_size=4) == second.translate(LINES, beam_size=4)
    assert second.translate(LINES) == first.translate(LINES, beam_size=1) != first.translate(LINES)


def test_the_lowest_length_limit_applies(trained: Path, sibling: Path) -> None:
    line = " ".join(WORDS * 20)
    parts = [next(Translator.load(*paths).stream([line])).parts for paths in ([trained], [sibling], [trained, sibling])]
    assert parts[0] < parts[1] == parts[2]


def test_the_commands_take_several_models(trained: Path, sibling: Path, tmp_path: Path) -> None:
    src, ref, kept = tmp_path / "src", tmp_path / "ref", tmp_path / "kept"
    text = "".join(f"{line}\n" for line in LINES)
    src.write_text(text)
    ref.write_text(text)
    output = invoke("translate", trained, sibling, "-i", src)
    assert output.split("\n") == [*Translator.load(trained, sibling).translate(LINES), ""]
    assert output == invoke("translate", trained, sibling, stdin=text)
    scores = invoke("evaluate", trained, sibling, "--src", src, "--ref", ref, "-o", kept)
    assert kept.read_text() == output
    assert scores == invoke("evaluate", "--hyp", kept, "--ref", ref)


@pytest.mark.parametrize("side", ["src", "tgt"])
def test_different_vocabularies_are_a_one_line_error_naming_both(
    side: str, trained: Path, publish: Callable[[TrainedModel], Path]
) -> None:
    model = load_model(trained)
    # As large as the model's own: only the pieces differ.
    text = "vingt trente quarante cinquante soixante"
    tokenizer = train_tokenizer([text] * 50, Counter(text * 50), len(model.tokenizers.src), "unigram")
    tokenizers = Tokenizers(
        *((tokenizer, model.tokenizers.tgt) if side == "src" else (model.tokenizers.src, tokenizer)), normalize=True
    )
    config = with_settings(model, tokenizer={"joint": False}).config
    incompatible = publish(TrainedModel(config, build_network(config, tokenizers), tokenizers))
    with pytest.raises(InputError, match="their vocabularies differ"):
        Translator.load(trained, incompatible)
    for command in (["translate"], ["evaluate", "--src", str(trained), "--ref", str(trained)]):
        result = CliRunner().invoke(app, [*command, str(trained), str(incompatible)], input="un\n")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(
            f"seq2seq: error: {trained} and {incompatible} cannot be ensembled: their vocabularies"
        )
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ({"src_lang": "de"}, "their source languages are fr and de"),
        ({"tgt_lang": "de"}, "their target languages are en and de"),
        ({"src_lang": "", "tgt_lang": ""}, None),
    ],
)
def test_different_languages_are_a_one_line_error_naming_both(
    languages: dict[str, str], message: str | None, trained: Path, publish: Callable[[TrainedModel], Path]
) -> None:
    other = publish(with_settings(load_model(trained), data=languages))
    result = CliRunner().invoke(app, ["translate", str(trained), str(other)], input="un\n")
    if message:
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"seq2seq: error: {trained} and {other} cannot be ensembled: {message}\n"
    else:
        assert result.exit_code == 0


def test_trainings_with_two_seeds_hold_out_the_same_pairs(tiny: Callable[..., Config], tmp_path: Path) -> None:
    """So their models share vocabularies, and neither is trained on the validation pairs of the other."""
    folders = [tmp_path / seed for seed in ("1", "2")]
    for folder in folders:
        config = tiny(training__seed=int(folder.name))
        train(config, folder, resume=False, overwrite=False, progress=Progress(quiet=True))
        AcceleratorState._reset_state(reset_partial_state=True)
    held_out = [load_data(folder / "data", config.data, config.tokenizer).valid_pairs for folder in folders]
    assert held_out[0] == held_out[1]
    first, second, both = (Translator.load(*paths).translate(LINES) for paths in (folders[:1], folders[1:], folders))
    assert first != second
    assert len(both) == len(LINES)
