"""Speed of scoring: sentence pairs, and the phrase pairs of a table.

    python benchmarks/scoring_speed.py MODEL --src test.de --tgt test.en [--rounds 3]

Prints pairs and target tokens a second, the reading and writing of text left out. The phrase pairs are stretches of up
to seven words of the sentence pairs, the same share of each side, several targets to a source as in a phrase table.
`training_speed.py` prints the target tokens a second of training: run both in turn on a quiet machine.
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
    phrases = list(phrase_pairs(sentences))
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}; median of rounds, lowest to highest")
    print("               pairs  distinct sources  pairs/s                     target tokens/s")
    for name, pairs in (("sentences", sentences), ("phrases", phrases)):
        speeds, tokens = measure(scorer, pairs, arguments.rounds)
        sources = len({src for src, _ in pairs})
        per_pair = tokens / len(pairs)
        print(
            f"{name:<10} {len(pairs):>9,} {sources:>17,}  {spread(speeds):<27} {spread([s * per_pair for s in speeds])}"
        )


def phrase_pairs(sentences: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Stretches of the sentences, each source with some targets that lie about where it does."""
    draw, pairs = random.Random(1), set()
    for src, tgt in sentences:
        src_words, tgt_words = src.split(), tgt.split()
        first = draw.randrange(len(src_words))
        last = min(len(src_words), first + draw.randint(1, LONGEST_PHRASE))
        for _ in range(TARGETS):
            place = first * len(tgt_words) // len(src_words) + draw.randint(-1, 1)
            stretch = tgt_words[max(0, place) : max(0, place) + max(1, last - first + draw.randint(-1, 1))]
            if stretch:
                pairs.add((" ".join(src_words[first:last]), " ".join(stretch)))
    return pairs


def measure(scorer: Scorer, pairs: list[tuple[str, str]], rounds: int) -> tuple[list[float], int]:
    """Pairs a second of each round, and all target tokens, ends counted."""
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
