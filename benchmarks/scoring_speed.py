"""Scoring speed on sentence pairs and on phrase pairs.

    python benchmarks/scoring_speed.py MODEL --src test.de --tgt test.en [--rounds 3]

Prints pairs and target tokens per second, without reading and writing text. The phrase pairs are spans of up to seven
words from the sentence pairs, at about the same position on each side, with several targets per source as in a phrase
table. `training_speed.py` prints the target tokens per second of training: alternate the two on an idle machine.
"""

import argparse
import random
import time
from statistics import median

import torch

from seq2seq.io.lines import read_lines
from seq2seq.scoring.pairs import Scorer

LONGEST_PHRASE, TARGETS = 7, 5


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    scorer = Scorer.load(arguments.model)
    sentences = list(zip(read_lines(arguments.src), read_lines(arguments.tgt), strict=True))
    phrases = phrase_pairs(sentences)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}; median of rounds, lowest to highest")
    print("               pairs  distinct sources  pairs/s                     target tokens/s")
    for name, pairs in (("sentences", sentences), ("phrases", phrases)):
        speeds, tokens = measure(scorer, pairs, arguments.rounds)
        sources = len({src for src, _ in pairs})
        per_pair = tokens / len(pairs)
        print(
            f"{name:<10} {len(pairs):>9,} {sources:>17,}  {spread(speeds):<27} {spread([s * per_pair for s in speeds])}"
        )


def phrase_pairs(sentences: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Source spans of the sentences, each with some target spans at about the same position."""
    rng, pairs = random.Random(1), set[tuple[str, str]]()
    for src, tgt in sentences:
        src_words, tgt_words = src.split(), tgt.split()
        if not src_words:
            continue
        first = rng.randrange(len(src_words))
        last = min(len(src_words), first + rng.randint(1, LONGEST_PHRASE))
        for _ in range(TARGETS):
            start = first * len(tgt_words) // len(src_words) + rng.randint(-1, 1)
            span = tgt_words[max(0, start) : max(0, start) + max(1, last - first + rng.randint(-1, 1))]
            if span:
                pairs.add((" ".join(src_words[first:last]), " ".join(span)))
    return sorted(pairs)


def measure(scorer: Scorer, pairs: list[tuple[str, str]], rounds: int) -> tuple[list[float], int]:
    """Pairs per second of each round, and the number of target tokens including eos."""
    tokens = sum(score.pieces for score in scorer.score(pairs))
    speeds = []
    for _ in range(rounds):
        started = time.perf_counter()
        scorer.score(pairs)
        speeds.append(len(pairs) / (time.perf_counter() - started))
    return speeds, tokens


def spread(values: list[float]) -> str:
    """Median, lowest and highest."""
    return f"{median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


if __name__ == "__main__":
    main()
