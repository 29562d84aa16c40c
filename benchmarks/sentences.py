"""BLEU of a model on lines of several sentences, against one sentence per line.

    python benchmarks/sentences.py MODEL --src test.de --ref test.en [--per-line 3]

Joins the lines of the test set, of one sentence each, and their references. Prints BLEU (sacreBLEU) on these joined
lines: of their translation, with and without `--split never`, and of the translations of the single lines, joined.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sacrebleu.metrics.bleu import BLEU

from seq2seq import Translator
from seq2seq.inference.translator import TextOptions, Translation
from seq2seq.io.lines import read_lines

T = TypeVar("T")


def main() -> None:
    """Translate the lines in each way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--ref", type=Path, required=True)
    parser.add_argument("--per-line", type=int, default=3)
    parser.add_argument("--lines", type=int, help="of the test set; all by default")
    arguments = parser.parse_args()
    sources, references = (
        [line.strip() for line in islice(read_lines(path), arguments.lines)] for path in (arguments.src, arguments.ref)
    )
    joined_sources, joined_references = (joined(lines, arguments.per_line) for lines in (sources, references))
    translator = Translator.load(arguments.model)
    single = list(translator.stream(sources))
    best = score(joined(texts(single), arguments.per_line), joined_references)
    print("| lines | BLEU | difference |\n|---|---|---|")
    print(f"| one sentence per line, joined after translation | {best:.2f} | |", flush=True)
    together = list(translator.stream(joined_sources))
    row(f"{arguments.per_line} sentences per line", score(texts(together), joined_references), best)
    unsplit = Translator.load(arguments.model, text=TextOptions(split="never"))
    row("the same, --split never", score(unsplit.translate(joined_sources), joined_references), best)
    parts = grouped([translation.parts for translation in single], arguments.per_line)
    others = sum(translation.parts != sum(group) for translation, group in zip(together, parts, strict=True))
    print(f"\n{others:,} of {len(together):,} lines were split into more or fewer sentences than were joined")


def row(name: str, bleu: float, best: float) -> None:
    """Print a row of the table."""
    print(f"| {name} | {bleu:.2f} | {bleu - best:+.2f} |", flush=True)


def texts(translations: Sequence[Translation]) -> list[str]:
    """The best translations."""
    return [translation.hypotheses[0].text for translation in translations]


def joined(lines: Sequence[str], per_line: int) -> list[str]:
    """So many lines in one; the last may hold fewer."""
    return [" ".join(group) for group in grouped(lines, per_line)]


def grouped(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in groups of a size."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def score(translations: list[str], references: list[str]) -> float:
    """BLEU with case, 0 to 100."""
    return float(BLEU().corpus_score(translations, [references]).score)


if __name__ == "__main__":
    main()
