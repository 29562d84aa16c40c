r"""Protected spans in translations: whether all are kept, and what they cost.

    python benchmarks/spans.py MODEL --src test.de --ref test.en [--lines 10000] [--implementation both] [-o FILE]

Inserts 1 to 5 spans between the words of each source sentence (the same ones at each run): URLs, e-mail addresses,
file names, placeholders, numbers, emoji, and tags, nested, adjacent or without a counterpart. Prints for each
implementation: the lines in which each span is kept as often as the source has it; those whose tags are well-formed, of
those that have well-formed ones in the source; BLEU without the spans, and of the plain sentences; the share of lines
whose translation reached the longest length; and milliseconds per line. Exits with 1 if a span was lost or tags are not
well-formed.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from seq2seq import Translator
from seq2seq.inference.translator import Translation
from seq2seq.io.lines import read_lines
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.trained_model import TrainedModel

SHOWN = 5
MAKERS: dict[str, Callable[[Path], Translator]] = {
    "engine": Translator.load,
    "torch": lambda path: Translator(TrainedModel.load_without_engine(open_model(path))),
}
# Each § is a digit.
STANDALONE = [
    "https://example.org/a§/b?c=§§&d=e#f",
    "www.example§.com/x_(y)",
    "http://host§§.example/~user/",
    "mailto:jo§§@example.org",
    "jo.doe§§@mail.example.org",
    "report_§§.pdf",
    "src/main§§.py",
    "/usr/lib/x§§.so",
    "C:\\temp\\a§§",
    "notes-§§.txt",
    "{§}",
    "{name§}",
    "{{ user.id§ }}",
    "{n§:.2f}",
    "%s",
    "%§$d",
    "%(count§§)d",
    "%.§f",
    "${HOME§§}",
    "#{x§§}",
    "%NAME_§§%",
    "__init§§__",
    "%%",
    "{n§, plural, one {# file} other {# files}}",
    "§§§",
    "1,§§§.§§",
    "12:§§:§§",
    "20§§-1§-1§",
    "1 §§§ §§§",
    "😀",
    "👍🏽",
    "🇫🇷",
    "👩\u200d🚀",
    "☕️",
    "😀😀",
    "@user§§",
    "#topic§§",
    "&nbsp;",
    "&#x§§;",
    "\\n",
    "<!-- note §§ -->",
    "{§}\x01{§}",
    "{§}\x01%d",
]
NAMES = ["b", "i", "em", "span", "div", "g", "x1", "mrk", "ph", "a", "p"]
ATTRIBUTES = ("", "", ' id="§§"', " class='c§'", ' href="https://example.org/§§" target=_blank')
EMPTY = ["<br>", "<br/>", '<x id="§§"/>', '<img src="a§§.png" alt="b c">', '<ph id="§§"/>']
_TAG = re.compile(r"<(/?)([a-z]\w*)[^<>]*?(/?)>")
_VOID = {"br", "img"}
# No blank stands after the first and before the second of these.
_GLUE_AFTER, _GLUE_BEFORE = "\1\2"
_JOINTS = re.compile(f"(?<={_GLUE_AFTER}) | (?={_GLUE_BEFORE})|[{_GLUE_AFTER}{_GLUE_BEFORE}]")


@dataclass(frozen=True)
class Line:
    """A source line with spans."""

    text: str
    spans: Sequence[str]
    number: int
    """Of the sentence."""


def main() -> None:
    """Make the lines, translate them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--ref", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--implementation", choices=[*MAKERS, "both"], default="both")
    parser.add_argument("-o", "--output", type=Path, help="for the lines and their translations, as TSV")
    arguments = parser.parse_args()
    sources, references = (list(islice(read_lines(path), arguments.lines)) for path in (arguments.src, arguments.ref))
    lines = [with_spans(sources, number) for number in range(arguments.lines)]
    print(
        "| | lines | spans kept | well-formed | BLEU, spans aside | plain | difference | longest | plain "
        "| ms per line | plain |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    names = MAKERS if arguments.implementation == "both" else [arguments.implementation]
    faults = [fault for name in names for fault in measure(name, arguments, sources, references, lines)]
    for fault in faults[:SHOWN]:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


def measure(
    name: str, arguments: argparse.Namespace, sources: list[str], references: list[str], lines: list[Line]
) -> list[str]:
    """Print the row of an implementation. Returns the faulty lines with their translations."""
    translator = MAKERS[name](arguments.model)
    plain, plain_time = timed(translator, sources)
    translations, span_time = timed(translator, [line.text for line in lines])
    texts = [translation.hypotheses[0].text for translation in translations]
    lost = [not keeps_spans(line, text) for line, text in zip(lines, texts, strict=True)]
    nested = [is_well_formed(line.text) for line in lines]
    broken = [was and not is_well_formed(text) for was, text in zip(nested, texts, strict=True)]
    outside = [without_spans(text, line.spans) for line, text in zip(lines, texts, strict=True)]
    line_references = [references[line.number] for line in lines]
    bleu = score(outside, line_references)
    plain_bleu = score([plain[line.number].hypotheses[0].text for line in lines], line_references)
    print(
        f"| {name} | {len(lines):,} | {1 - sum(lost) / len(lines):.2%} | {1 - sum(broken) / max(1, sum(nested)):.2%} "
        f"| {bleu:.2f} | {plain_bleu:.2f} | {bleu - plain_bleu:+.2f} | {longest(translations):.2%} "
        f"| {longest(plain):.2%} | {span_time:.1f} | {plain_time:.1f} |",
        flush=True,
    )
    if arguments.output:
        rows = (f"{line.text}\t{text}\n" for line, text in zip(lines, texts, strict=True))
        arguments.output.write_text("".join(rows), encoding="utf-8")
    return [
        f"{name}: {line.text}\n     -> {text}"
        for line, text, *faulty in zip(lines, texts, lost, broken, strict=True)
        if any(faulty)
    ]


def with_spans(sources: Sequence[str], number: int) -> Line:
    """A line of the sentence with this number, counted around, with 1 to 5 spans between its words."""
    draw = random.Random(number)
    words = sources[number % len(sources)].split()
    spans: list[str] = []
    for _ in range(draw.randint(1, 5)):
        kind = draw.choices((insert_span, enclose, insert_empty, insert_half), (60, 20, 10, 3))[0]
        spans += kind(words, draw)
    # Tags stand at a word; others have blanks around them.
    text = _JOINTS.sub("", " ".join(words))
    return Line(text, spans, number % len(sources))


def insert_span(words: list[str], draw: random.Random) -> list[str]:
    """Insert a span that is no tag between two words; rarely two, without a blank between them."""
    span = drawn(STANDALONE, draw)
    words.insert(draw.randint(0, len(words)), span)
    return span.split(_GLUE_AFTER)


def insert_empty(words: list[str], draw: random.Random) -> list[str]:
    """Insert a tag without content, in half of the cases without blanks around it."""
    span = drawn(EMPTY, draw)
    words.insert(draw.randint(0, len(words)), draw.choice((span, f"{_GLUE_BEFORE}{span}{_GLUE_AFTER}")))
    return [span]


def insert_half(words: list[str], draw: random.Random) -> list[str]:
    """Insert a tag whose counterpart is missing."""
    span = draw.choice(("<{}>", "</{}>")).format(draw.choice(NAMES))
    words.insert(draw.randint(0, len(words)), span)
    return [span]


def enclose(words: list[str], draw: random.Random) -> list[str]:
    """Put a pair of tags around some words and what has been inserted there: not around half a pair."""
    start = draw.randrange(len(words))
    end = min(len(words), start + draw.randint(1, 6))
    if not is_well_formed(" ".join(words[start:end])):
        start, end = 0, len(words)
    name = draw.choice(NAMES)
    opening, closing = drawn([f"<{name}{attributes}>" for attributes in ATTRIBUTES], draw), f"</{name}>"
    words[start:end] = [f"{opening}{_GLUE_AFTER}", *words[start:end], f"{_GLUE_BEFORE}{closing}"]
    return [opening, closing]


def drawn(templates: Sequence[str], draw: random.Random) -> str:
    """One of the templates with digits."""
    return re.sub("§", lambda _: str(draw.randint(1, 9)), draw.choice(templates))


def keeps_spans(line: Line, translation: str) -> bool:
    """Whether a translation has each span as often as the source."""
    return all(translation.count(span) == line.text.count(span) for span in set(line.spans))


def is_well_formed(text: str) -> bool:
    """Whether each opening tag has a closing one, in the order of nesting."""
    opened: list[str] = []
    for closes, name, is_empty in _TAG.findall(text):
        if closes and (not opened or opened.pop() != name):
            return False
        if not (closes or is_empty or name in _VOID):
            opened.append(name)
    return not opened


def without_spans(text: str, spans: Sequence[str]) -> str:
    """A translation without its spans."""
    for span in sorted(set(spans), key=len, reverse=True):
        text = text.replace(span, "" if span.startswith("<") and span not in EMPTY else " ")
    return " ".join(text.split())


def longest(translations: Sequence[Translation]) -> float:
    """The share of translations with a part that is as long as it may be."""
    return sum(translation.reached_limit for translation in translations) / len(translations)


def timed(translator: Translator, lines: Sequence[str]) -> tuple[list[Translation], float]:
    """The translations of lines, and milliseconds per line."""
    start = time.perf_counter()
    translations = list(translator.stream(lines))
    return translations, 1000 * (time.perf_counter() - start) / len(lines)


def score(translations: list[str], references: list[str]) -> float:
    """BLEU with case, 0 to 100."""
    return float(BLEU().corpus_score(translations, [references]).score)


if __name__ == "__main__":
    main()
