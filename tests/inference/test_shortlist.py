"""Shortlists: the same on every instruction set, and independent of the batch."""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from random_networks import SRC_VOCAB, TGT_VOCAB, RandomNetwork, sentences
from test_engine import assert_same
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.corpus import Corpus, Part, write_encoded
from seq2seq.inference import shortlist
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.quantization import quantize
from seq2seq.inference.shortlist import Shortlist
from seq2seq.io.manifest import MANIFEST, seal_folder
from seq2seq.native.engine import isa_levels
from seq2seq.runs.model_folder import SHORTLIST, open_model
from seq2seq.runs.trained_model import load_model
from seq2seq.search.batch import search_batch
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

Pairs = Sequence[tuple[Sequence[int], Sequence[int]]]


def corpus(folder: Path, pairs: Pairs) -> Corpus:
    write_encoded(folder, pairs, [Part(len(pairs), 1.0)])
    return Corpus(folder)


def random_pairs(count: int, seed: int = 3) -> list[tuple[list[int], list[int]]]:
    """Each source piece has one translation; their order is mixed, and some targets are empty."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(count):
        src = [draw.randrange(4, 20) for _ in range(draw.randrange(1, 6))]
        pairs.append((src, draw.sample([piece + 7 for piece in src], draw.randrange(len(src) + 1))))
    return pairs


def test_a_shortlist_has_the_translations_of_its_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "_MOST_FREQUENT", 2)
    monkeypatch.setattr(shortlist, "_PER_SOURCE_PIECE", 3)
    learnt = Shortlist.learn(corpus(tmp_path / "corpus", random_pairs(200)), SRC_VOCAB, TGT_VOCAB, joint=False)
    for source in ([5], [4, 19, 11], []):
        assert learnt.of([*source, EOS], ())[[EOS, *(piece + 7 for piece in source)]].all()
        assert learnt.of([*source, EOS], ()).sum() <= 3 + 3 * (len(source) + 1)
    assert not learnt.of([5, EOS], (12,))[12]


def test_with_a_joint_vocabulary_a_piece_may_translate_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlist, "_MOST_FREQUENT", 2)
    pairs = corpus(tmp_path / "corpus", random_pairs(50))
    for joint in (True, False):
        learnt = Shortlist.learn(pairs, TGT_VOCAB, TGT_VOCAB, joint)
        assert learnt.of([35, EOS], ())[35] == joint  # 35 was never seen


def narrow(seed: int = 8) -> Shortlist:
    """A random shortlist that excludes most words."""
    draw = np.random.default_rng(seed)
    starts = np.arange(SRC_VOCAB + 1) * 2
    return Shortlist(np.array([EOS, 5]), starts, draw.integers(4, TGT_VOCAB, starts[-1]), TGT_VOCAB)


class Restricted(torch.nn.Module):
    """A network with probabilities over the allowed words only."""

    def __init__(self, network: Any, allowed: np.ndarray) -> None:
        super().__init__()
        self.start, self._step, self._allowed = network.start, network.step, torch.from_numpy(allowed)

    def step(self, tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        log_probs, state = self._step(tokens, state)
        return log_probs.masked_fill(~self._allowed, -torch.inf).log_softmax(dim=-1), state


@pytest.mark.parametrize(
    "options", [SearchOptions(5, 1.0, n_best=3, length_ratio=1), SearchOptions(1, 1.0), SearchOptions(60, 0.5)]
)
@pytest.mark.parametrize("settings", [{}, {"summaries": 0}, {"attention": "dot"}], ids=str)
def test_search_matches_a_restricted_network(settings: dict[str, Any], options: SearchOptions, tmp_path: Path) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights", **settings)
    all_options = replace(options, forbidden_ids=(PAD, UNK, BOS, 9))
    network, sources = replace(random_network.to_engine(), shortlist=narrow()), sentences(9)
    expected = [
        search_batch(
            Restricted(random_network.network, narrow().of(source, all_options.forbidden_ids)),
            [source],
            all_options,
            torch.device("cpu"),
        )[0]
        for source in sources
    ]
    for level in isa_levels():
        assert_same(CompiledNetwork(network, level).search_batch(sources, all_options), expected)


@pytest.mark.parametrize("int8", [False, True])
def test_a_sentence_does_not_depend_on_the_batch(int8: bool, tmp_path: Path) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights")
    if int8:
        random_network.path.write_bytes(quantize(random_network.path.read_bytes()))
    network, sources = replace(random_network.to_engine(), shortlist=narrow()), sentences(20)
    options = SearchOptions(beam_size=4, length_penalty=1.0, n_best=3, length_ratio=1)
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        assert [hypotheses for source in sources for hypotheses in search([source], options)] == search(
            sources, options
        )


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stderr


def test_an_exported_model_translates_with_its_shortlist(trained: Path, tmp_path: Path) -> None:
    lines = ["un deux trois", "", "six six quatre", "cinq"]
    assert run("export", trained, "-o", tmp_path / "listed", "--shortlist", "--int8") == (0, "")
    assert Translator.load(tmp_path / "listed").translate(lines) == Translator.load(trained).translate(lines)
    assert run("export", tmp_path / "listed", "-o", tmp_path / "copy") == (0, "")
    assert (tmp_path / "copy" / SHORTLIST).read_bytes() == (tmp_path / "listed" / SHORTLIST).read_bytes()
    with pytest.raises(InputError, match="shortlist can only translate"):
        load_model(tmp_path / "copy")
    code, stderr = run("export", open_model(trained).path, "-o", tmp_path / "new", "--shortlist")
    assert code == 2
    assert "run folder" in stderr


@pytest.mark.parametrize(
    "change",
    [
        {"common": np.array([5], np.int32)},
        {"common": np.array([EOS, 10**6], np.int32)},
        {"words": np.array([-1], np.int32)},
        {"common": np.array([], np.int32), "words": np.array([], np.int32)},
        {"starts": np.array([0, 2**31 - 1, -(2**31)], np.int32)},
        {"starts": np.array([0, 1], np.int32)},
        {"words": np.array([4.0], np.float32)},
        {"more": np.array([4], np.int32)},
        None,
    ],
    ids=str,
)
def test_a_damaged_shortlist_is_a_one_line_error(
    change: dict[str, np.ndarray] | None, trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "listed"
    run("export", trained, "-o", folder, "--shortlist")
    if change is None:
        (folder / SHORTLIST).unlink()
    else:
        content = {**safetensors.numpy.load((folder / SHORTLIST).read_bytes()), **change}
        (folder / SHORTLIST).write_bytes(safetensors.numpy.save(content))
    (folder / MANIFEST).unlink()
    seal_folder(folder)
    code, stderr = run("translate", folder, "-i", "README.md")
    assert code == 2
    assert SHORTLIST in stderr
    assert stderr.count("\n") == 1


def test_offset_differences_that_overflow_32_bits_are_detected() -> None:
    starts = np.zeros(6, np.int32)
    starts[1:4] = [2**31 - 1, -(2**31), 0]
    arrays = {"common": np.array([EOS], np.int32), "starts": starts, "words": np.array([], np.int32)}
    with pytest.raises(ValueError, match="other vocabularies"):
        Shortlist.parse(safetensors.numpy.save(arrays), 5, 9)
    arrays["starts"] = np.zeros(6, np.int32)
    assert len(Shortlist.parse(safetensors.numpy.save(arrays), 5, 9).of([1, 2], [])) == 9


@pytest.mark.parametrize("kind", ["plain", "pipe", "link", "zeros"])
def test_a_shortlist_missing_from_the_manifest_is_not_read(kind: str, trained: Path, tmp_path: Path) -> None:
    """Nor opened: a pipe would block."""
    folder = tmp_path / "listed"
    run("export", trained, "-o", folder, "--shortlist")
    shortlist = folder / SHORTLIST
    content = shortlist.read_bytes()
    shortlist.unlink()
    (folder / MANIFEST).unlink()
    seal_folder(folder)
    if kind == "plain":
        shortlist.write_bytes(content)
    elif kind == "pipe":
        os.mkfifo(shortlist)
    elif kind == "link":
        shortlist.symlink_to("/dev/zero")
    else:
        shortlist.touch()
        os.truncate(shortlist, 10**10)
    code, stderr = run("translate", folder, "-i", "README.md")
    assert code == 2
    assert f"does not list {SHORTLIST}" in stderr
    assert stderr.count("\n") == 1


def test_a_shortlist_needs_pairs_encoded_with_the_models_vocabulary(
    trained: Path, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    """Another vocabulary of the same size would go unnoticed, and the shortlist hold the wrong words."""
    other, run_folder = tmp_path / "other", shutil.copytree(trained, tmp_path / "run")
    train(tiny(tokenizer__model_type="bpe"), other, resume=False, overwrite=False, progress=Progress(quiet=True))
    shutil.rmtree(run_folder / "data")
    shutil.copytree(other / "data", run_folder / "data")
    code, stderr = run("export", run_folder, "-o", tmp_path / "listed", "--shortlist")
    assert code == 2
    assert "vocabularies differ from those of its data" in stderr
