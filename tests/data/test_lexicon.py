"""The lexicon is that of IBM model 1, on all pairs or on a sample."""

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import lexicon
from seq2seq.data.corpus import Corpus, Part, write_encoded
from seq2seq.data.lexicon import Lexicon
from seq2seq.tokenizer.tokenizer import EOS

TGT_VOCAB = 41
Pairs = Sequence[tuple[Sequence[int], Sequence[int]]]


def corpus(folder: Path, pairs: Pairs) -> Corpus:
    write_encoded(folder, pairs, [Part(len(pairs), 1.0)])
    return Corpus(folder)


def random_pairs(count: int) -> list[tuple[list[int], list[int]]]:
    """Each source piece has one translation; their order is mixed, and some targets are empty."""
    draw = random.Random(3)
    pairs = []
    for _ in range(count):
        src = [draw.randrange(4, 20) for _ in range(draw.randrange(1, 6))]
        pairs.append((src, draw.sample([piece + 7 for piece in src], draw.randrange(len(src) + 1))))
    return pairs


def model_1(pairs: Pairs, rounds: int) -> dict[tuple[int, int], float]:
    """p(target | source) as in the paper, with loops. EOS is the empty source word."""
    table: dict[tuple[int, int], float] = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts: dict[tuple[int, int], float] = defaultdict(float)
        for src, tgt in pairs:
            for tgt_piece in tgt:
                total = sum(table[src_piece, tgt_piece] for src_piece in (*src, EOS))
                for src_piece in (*src, EOS):
                    counts[src_piece, tgt_piece] += table[src_piece, tgt_piece] / total
        totals: dict[int, float] = defaultdict(float)
        for (src_piece, _), count in counts.items():
            totals[src_piece] += count
        table = defaultdict(float, {key: count / totals[key[0]] for key, count in counts.items()})
    return table


@pytest.mark.parametrize("part_cells", [1, 50, 10**6])
def test_the_lexicon_matches_model_1(part_cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_PART_CELLS", part_cells)
    pairs = random_pairs(60)
    encoded = corpus(tmp_path, pairs)
    learnt = Lexicon.learn(encoded.src, encoded.tgt, TGT_VOCAB)
    expected = model_1(pairs, lexicon._ITERATIONS)
    listed = zip(zip(learnt.src.tolist(), learnt.tgt.tolist(), strict=True), learnt.probability.tolist(), strict=True)
    assert dict(listed) == pytest.approx({key: value for key, value in expected.items() if value}, abs=1e-12)
    for least in (0.0, 0.3):
        found = learnt.pruned(least).probabilities(np.arange(20), np.arange(TGT_VOCAB))
        table = [[expected[src, tgt] for tgt in range(TGT_VOCAB)] for src in range(20)]
        assert found == pytest.approx(np.where(np.array(table) >= least, table, 0))


def test_a_large_corpus_is_sampled(tmp_path: Path) -> None:
    pairs = random_pairs(400)
    encoded = corpus(tmp_path, pairs)
    most_cells = sum((len(src) + 1) * len(tgt) for src, tgt in pairs) // 3
    sampled = np.concatenate(list(lexicon._in_parts(encoded.src, encoded.tgt, most_cells)))
    assert 100 <= len(sampled) <= 134
    assert sampled.max() > 390
