"""BLEU of a model on text in another case or with other signs than its training text.

    python benchmarks/robustness.py MODEL --src test.en --ref test.fr

Prints one row per variant of the sources: BLEU (sacreBLEU) and its difference from that of the files as they are. The
references are put in the same case as the sources; otherwise they stay.
"""

import argparse
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from seq2seq.inference.translator import Translator
from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.letter_case import LetterCase

_STRAIGHT = str.maketrans("’‘‚“”„«»", '\'\'\'"""""')
_OPENING = re.compile(r"(^|[\s(\[])\"")

Change = Callable[[str], str]


def main() -> None:
    """Translate each variant, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--ref", type=Path, required=True)
    arguments = parser.parse_args()
    print_table(Translator.load(arguments.model), list(read_lines(arguments.src)), list(read_lines(arguments.ref)))


def print_table(translator: Translator, sources: list[str], references: list[str]) -> None:
    """Print one row per variant."""
    data = translator.model.config.data
    src_case, tgt_case = LetterCase(data.src_lang), LetterCase(data.tgt_lang)
    variants: dict[str, tuple[Change, Change]] = {
        "plain": (str, str),
        "all capitals": (src_case.upper, tgt_case.upper),
        "all lower case": (src_case.lower, tgt_case.lower),
        "Title Case": (src_case.title, tgt_case.title),
        "first letter in lower case": (src_case.uncapitalize, tgt_case.uncapitalize),
        "curly quotes": (curly, str),
        "straight quotes": (lambda line: line.translate(_STRAIGHT), str),
        "no-break spaces": (lambda line: line.replace(" ", "\u00a0"), str),
    }
    print("| sources | lines changed | BLEU | difference |\n|---|---|---|---|")
    plain = 0.0
    for name, (change_src, change_tgt) in variants.items():
        changed = [change_src(line) for line in sources]
        bleu = score(translator.translate(changed), map(change_tgt, references))
        plain = plain or bleu
        count = sum(line != other for line, other in zip(sources, changed, strict=True))
        print(f"| {name} | {count:,} of {len(sources):,} | {bleu:.2f} | {bleu - plain:+.2f} |", flush=True)


def curly(line: str) -> str:
    """The line with curly quotes and apostrophes instead of straight ones."""
    return _OPENING.sub(r"\1“", line).replace('"', "”").replace("'", "’")


def score(translations: list[str], references: Iterable[str]) -> float:
    """BLEU with case, 0 to 100."""
    return float(BLEU().corpus_score(translations, [list(references)]).score)


if __name__ == "__main__":
    main()
