"""Shortlists: learnt as IBM model 1 says, the same on every instruction set, whatever the other sentences are."""

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from random_networks import SRC_VOCAB, TGT_VOCAB, Packed, sentences
from test_engine import assert_same
from typer.testing import CliRunner

from seq2seq import InputError, Translator
from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.corpus import Corpus
from seq2seq.inference import lexicon, shortlist
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.lexicon import Lexicon
from seq2seq.inference.shortlist import Shortlist
from seq2seq.inference.weights import quantize
from seq2seq.io.manifest import MANIFEST, seal_folder
from seq2seq.native.library import isa_levels
from seq2seq.runs.model_folder import SHORTLIST, open_model
from seq2seq.runs.trained_model import load_model
from seq2seq.search.batch import search_batch
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

Pairs = Sequence[tuple[Sequence[int], Sequence[int]]]


def corpus(folder: Path, pairs: Pairs) -> Corpus:
    folder.mkdir()
    for side, own in (("src", [src for src, _ in pairs]), ("tgt", [tgt for _, tgt in pairs])):
        (folder / f"{side}.ids").write_bytes(np.array([i for one in own for i in one], "<i4").tobytes())
        offsets = np.cumsum([0, *map(len, own)], dtype="<i8")
        (folder / f"{side}.offsets").write_bytes(offsets.tobytes())
    (folder / "parts.json").write_text(f"[[{len(pairs)}, 1.0]]")
    return Corpus(folder)


def random_pairs(count: int, seed: int = 3) -> list[tuple[list[int], list[int]]]:
    """Each source piece has one translation; their order is mixed, and some targets are empty."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(count):
        src = [draw.randrange(4, 20) for _ in range(draw.randrange(1, 6))]
        pairs.append((src, draw.sample([one + 7 for one in src], draw.randrange(len(src) + 1))))
    return pairs


def model_1(pairs: Pairs, rounds: int) -> dict[tuple[int, int], float]:
    """p(target | source) as in the paper, with loops. The end of the source is its empty word."""
    table: dict[tuple[int, int], float] = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts: dict[tuple[int, int], float] = defaultdict(float)
        for src, tgt in pairs:
            for word in tgt:
                total = sum(table[one, word] for one in (*src, EOS))
                for one in (*src, EOS):
                    counts[one, word] += table[one, word] / total
        totals: dict[int, float] = defaultdict(float)
        for (one, _), count in counts.items():
            totals[one] += count
        table = defaultdict(float, {key: count / totals[key[0]] for key, count in counts.items()})
    return table


@pytest.mark.parametrize("part_cells", [1, 50, 10**6])
def test_the_lexicon_is_that_of_model_1(part_cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_PART_CELLS", part_cells)
    pairs = random_pairs(60)
    learnt = Lexicon.learn(corpus(tmp_path / "corpus", pairs), TGT_VOCAB)
    found = dict(
        zip(zip(learnt.src.tolist(), learnt.tgt.tolist(), strict=True), learnt.probability.tolist(), strict=True)
    )
    expected = model_1(pairs, lexicon._ROUNDS)
    assert found == pytest.approx({key: value for key, value in expected.items() if value}, abs=1e-12)


def test_many_pairs_are_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = random_pairs(400)
    monkeypatch.setattr(lexicon, "_MOST_CELLS", sum((len(src) + 1) * len(tgt) for src, tgt in pairs) // 3)
    seen = np.concatenate(list(lexicon._in_parts(corpus(tmp_path / "corpus", pairs))))
    assert 100 <= len(seen) <= 134
    assert seen.max() > 390


def test_a_list_has_the_translations_of_its_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "_COMMON", 2)
    monkeypatch.setattr(shortlist, "_OF_EACH", 3)
    learnt = Shortlist.learn(corpus(tmp_path / "corpus", random_pairs(200)), SRC_VOCAB, TGT_VOCAB, joint=False)
    for source in ([5], [4, 19, 11], []):
        assert learnt.of([*source, EOS], ())[[EOS, *(one + 7 for one in source)]].all()
        assert learnt.of([*source, EOS], ()).sum() <= 3 + 3 * (len(source) + 1)
    assert not learnt.of([5, EOS], (12,))[12]


def test_with_a_joint_vocabulary_a_piece_may_stand_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "_COMMON", 2)
    pairs = corpus(tmp_path / "corpus", random_pairs(50))
    for joint in (True, False):
        learnt = Shortlist.learn(pairs, TGT_VOCAB, TGT_VOCAB, joint)
        assert learnt.of([35, EOS], ())[35] == joint  # 35 was never seen


def narrow(seed: int = 8) -> Shortlist:
    """A random one that leaves most words out."""
    draw = np.random.default_rng(seed)
    starts = np.arange(SRC_VOCAB + 1) * 2
    return Shortlist(np.array([EOS, 5]), starts, draw.integers(4, TGT_VOCAB, starts[-1]), TGT_VOCAB)


class Restricted(torch.nn.Module):
    """A network whose probabilities are those of the allowed words alone."""

    def __init__(self, network: Any, inside: np.ndarray) -> None:
        super().__init__()
        self.start, self._step, self._inside = network.start, network.step, torch.from_numpy(inside)

    def step(self, tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        log_probs, state = self._step(tokens, state)
        return log_probs.masked_fill(~self._inside, -torch.inf).log_softmax(dim=-1), state


@pytest.mark.parametrize(
    "request_", [SearchOptions(5, 1.0, n_best=3, length_ratio=1), SearchOptions(1, 1.0), SearchOptions(60, 0.5)]
)
@pytest.mark.parametrize("settings", [{}, {"summaries": 0}, {"attention": "dot"}], ids=str)
def test_it_finds_what_a_restricted_network_finds(
    settings: dict[str, Any], request_: SearchOptions, tmp_path: Path
) -> None:
    packed = Packed.make(tmp_path / "weights", **settings)
    request = replace(request_, forbidden_ids=(PAD, UNK, BOS, 9))
    listed, sources = replace(packed.take(), shortlist=narrow()), sentences(9)
    expected = [
        search_batch(
            Restricted(packed.network, narrow().of(source, request.forbidden_ids)),
            [source],
            request,
            torch.device("cpu"),
        )[0]
        for source in sources
    ]
    for level in isa_levels():
        assert_same(CompiledNetwork(listed, level).search_batch(sources, request), expected)


@pytest.mark.parametrize("rounded", [False, True])
def test_a_sentence_does_not_depend_on_the_batch(rounded: bool, tmp_path: Path) -> None:
    packed = Packed.make(tmp_path / "weights")
    if rounded:
        packed.path.write_bytes(quantize(packed.path.read_bytes()))
    listed, sources = replace(packed.take(), shortlist=narrow()), sentences(20)
    request = SearchOptions(beam_size=4, length_penalty=1.0, n_best=3, length_ratio=1)
    for level in isa_levels():
        search = CompiledNetwork(listed, level).search_batch
        assert [found for source in sources for found in search([source], request)] == search(sources, request)


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stderr


def test_an_exported_model_translates_with_its_list(trained: Path, tmp_path: Path) -> None:
    lines = ["un deux trois", "", "six six quatre", "cinq"]
    assert run("export", trained, "-o", tmp_path / "listed", "--shortlist", "--int8") == (0, "")
    assert Translator.load(tmp_path / "listed").translate(lines) == Translator.load(trained).translate(lines)
    assert run("export", tmp_path / "listed", "-o", tmp_path / "copy") == (0, "")
    assert (tmp_path / "copy" / SHORTLIST).read_bytes() == (tmp_path / "listed" / SHORTLIST).read_bytes()
    with pytest.raises(InputError, match="shortlist can only translate"):
        load_model(tmp_path / "copy")
    code, told = run("export", open_model(trained).path, "-o", tmp_path / "new", "--shortlist")
    assert code == 2
    assert "run folder" in told


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
def test_a_damaged_list_is_told_in_a_line(change: dict[str, np.ndarray] | None, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "listed"
    run("export", trained, "-o", folder, "--shortlist")
    if change is None:
        (folder / SHORTLIST).unlink()
    else:
        content = {**safetensors.numpy.load((folder / SHORTLIST).read_bytes()), **change}
        (folder / SHORTLIST).write_bytes(safetensors.numpy.save(content))
    (folder / MANIFEST).unlink()
    seal_folder(folder)
    code, told = run("translate", folder, "-i", "README.md")
    assert code == 2
    assert SHORTLIST in told
    assert told.count("\n") == 1


def test_differences_that_do_not_fit_into_32_bits_are_seen() -> None:
    starts = np.zeros(6, np.int32)
    starts[1:4] = [2**31 - 1, -(2**31), 0]
    arrays = {"common": np.array([EOS], np.int32), "starts": starts, "words": np.array([], np.int32)}
    with pytest.raises(ValueError, match="other vocabularies"):
        Shortlist.parse(safetensors.numpy.save(arrays), 5, 9)
    arrays["starts"] = np.zeros(6, np.int32)
    assert len(Shortlist.parse(safetensors.numpy.save(arrays), 5, 9).of([1, 2], [])) == 9


@pytest.mark.parametrize("kind", ["plain", "pipe", "link", "zeros"])
def test_a_list_that_the_manifest_does_not_list_is_not_read(kind: str, trained: Path, tmp_path: Path) -> None:
    """Nor waited for, where it is a pipe."""
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
    code, told = run("translate", folder, "-i", "README.md")
    assert code == 2
    assert f"does not list {SHORTLIST}" in told
    assert told.count("\n") == 1


def test_a_list_is_learnt_from_pairs_of_the_models_vocabulary(
    trained: Path, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    """A vocabulary of the same size would pass for it, and the list be that of other words."""
    other, run_folder = tmp_path / "other", shutil.copytree(trained, tmp_path / "run")
    train(tiny(tokenizer__model_type="bpe"), other, resume=False, overwrite=False, progress=Progress(quiet=True))
    shutil.rmtree(run_folder / "data")
    shutil.copytree(other / "data", run_folder / "data")
    code, told = run("export", run_folder, "-o", tmp_path / "listed", "--shortlist")
    assert code == 2
    assert "vocabularies differ from those of its data" in told
