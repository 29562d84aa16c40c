"""What a model learns from corrections of one word, and what it loses.

    python benchmarks/corrections.py RUN --corrected train.de --src test.de --ref test.en --word Hund=dog=hound [...]

For each --word (source word, the model's translation, the right one), takes up to 100 lines of --corrected with the
word, translates them, replaces the translation of the word, and runs `seq2seq tune` on these pairs. Prints the share of
the corrected lines with the right word, that of test lines with the word, and BLEU of the test lines without it, before
and after. A plural in s is corrected too.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from seq2seq import Translator
from seq2seq.io.lines import read_lines

CORRECTIONS = 100


def main() -> None:
    """Tune on the corrections of each word, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path)
    for name in ("--corrected", "--src", "--ref"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--word", nargs="+", required=True, metavar="SOURCE=WRONG=RIGHT")
    arguments = parser.parse_args()
    before = Translator.load(arguments.run)
    pairs = list(zip(read_lines(arguments.src), read_lines(arguments.ref), strict=True))
    print("| | corrections right | unseen lines right | BLEU elsewhere | seconds |\n|---|---|---|---|---|")
    for word in arguments.word:
        source, wrong, right = word.split("=")
        corrections = corrected(before, lines_with(source, read_lines(arguments.corrected)), wrong, right)
        unseen = [line for line, _ in corrected(before, lines_with(source, [src for src, _ in pairs]), wrong, right)]
        elsewhere = [pair for pair in pairs if not re.search(rf"\b{source}\b|{wrong}", " ".join(pair))]
        with tempfile.TemporaryDirectory() as folder:
            table, tuned = Path(folder, "corrections.tsv"), Path(folder, "tuned")
            rows = "".join("\t".join(pair) + "\n" for pair in corrections[:CORRECTIONS])
            table.write_text(rows, encoding="utf-8")
            start = time.perf_counter()
            command = (sys.executable, "-m", "seq2seq", "tune", arguments.run, "--train", table, "-o", tuned, "-q")
            subprocess.run(command, check=True)
            seconds = time.perf_counter() - start
            after = Translator.load(tuned)
        shares = [
            share_with(right, after.translate(lines))
            for lines in ([line for line, _ in corrections[:CORRECTIONS]], unseen)
        ]
        scores = [bleu(translator, elsewhere) for translator in (before, after)]
        print(
            f"| {source}: {right} | {shares[0]:.0%} of {len(corrections[:CORRECTIONS])} | {shares[1]:.0%} of "
            f"{len(unseen)} | {scores[0]:.2f}, {scores[1]:.2f} | {seconds:.0f} |",
            flush=True,
        )


def lines_with(word: str, lines: Iterable[str]) -> list[str]:
    """Up to three times as many lines as are corrected, at random."""
    found = [line for line in lines if re.search(rf"\b{word}\b", line)]
    random.Random(0).shuffle(found)
    return found[: 3 * CORRECTIONS]


def corrected(translator: Translator, lines: list[str], wrong: str, right: str) -> list[tuple[str, str]]:
    """The lines whose translations have the wrong word, with the right one instead."""
    translations = ((line, text) for line, text in zip(lines, translator.translate(lines), strict=True))
    fixed = ((line, text, re.sub(rf"\b{wrong}(s?)\b", rf"{right}\1", text)) for line, text in translations)
    return [(line, right_text) for line, text, right_text in fixed if right_text != text]


def share_with(word: str, translations: Sequence[str]) -> float:
    """The share of translations that have the word."""
    return sum(bool(re.search(rf"\b{word}s?\b", text)) for text in translations) / len(translations)


def bleu(translator: Translator, pairs: Sequence[tuple[str, str]]) -> float:
    """BLEU of the translations of pairs."""
    translations = translator.translate([src for src, _ in pairs])
    return float(BLEU().corpus_score(translations, [[ref for _, ref in pairs]]).score)


if __name__ == "__main__":
    main()
