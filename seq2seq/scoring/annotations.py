"""Moses files that hold more than plain words: hierarchical rules, factors, markup."""

import re
from collections.abc import Callable, Sequence

from seq2seq.scoring.moses import FeatureLine

SAMPLE = 100
"""Lines to look at."""

_NON_TERMINAL = re.compile(r"\[[^\[\]\s]+\]")
_FACTORED = re.compile(r"[^|\s]+(\|[^|\s]+)+")
# A tag of XML, or the source span that Moses writes after each phrase of a translation.
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\|\d+-\d+\|")


def describe_annotations(lines: Sequence[FeatureLine]) -> str:
    """What these lines hold apart from plain words, with an example; empty if nothing does."""
    scored = [line for line in lines if not line.fault]
    kinds: list[tuple[str, Callable[[FeatureLine], str], float]] = [
        ("hierarchical rules, with non-terminals", _left_hand_side, 0.5),
        ("words with factors", _factored_word, 0.5),
        ("markup", _markup, 0.1),
    ]
    seen = []
    for what, example_of, least_share in kinds:
        examples = [example for line in scored if (example := example_of(line))]
        if examples and len(examples) >= least_share * len(scored):
            seen.append(f"{what} such as {examples[0]}")
    return " and ".join(seen)


def _left_hand_side(line: FeatureLine) -> str:
    """The non-terminal with which both sides of a hierarchical rule end."""
    src, tgt = line.src.split()[-1], line.tgt.split()[-1]
    return src if _NON_TERMINAL.fullmatch(src) and _NON_TERMINAL.fullmatch(tgt) else ""


def _factored_word(line: FeatureLine) -> str:
    """The first word of a side whose words all have factors; non-terminals have none."""
    for side in (line.src, line.tgt):
        words = [word for word in side.split() if not word.endswith("]")]
        if words and all(map(_FACTORED.fullmatch, words)):
            return words[0]
    return ""


def _markup(line: FeatureLine) -> str:
    match = _MARKUP.search(line.src) or _MARKUP.search(line.tgt)
    return match[0] if match else ""
