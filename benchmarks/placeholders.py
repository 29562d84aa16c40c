"""Placeholders and numbers that are words of their sentence: BLEU with a draft without them, and with none.

    python benchmarks/placeholders.py MODEL --src val.de --ref val.en --train-src train.de --train-tgt train.en

Replaces one or two words of each source, and the words of the reference that translate them, by the same placeholder,
number or URL. Prints BLEU of the translations, spans included: by the search with symbols alone, as `translate` chooses
between that and the draft, and by the draft alone. `spans.py` inserts spans between words instead; what is good for
one is bad for the other.
"""

import argparse
import math
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from glossary import encoded_corpus
from sacrebleu.metrics.bleu import BLEU

from seq2seq import Translator
from seq2seq.data.word_alignment import WordAligner, WordAlignment
from seq2seq.inference import part_search
from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.tokenizer import Tokenizer

SPANS = ["{0}", "{name}", "%s", "2034", "1,500", "report.pdf", "https://example.org/a"]
# Share of the vocabulary that is too common for a placeholder: punctuation and function words.
COMMON = 0.01
CHOICES = {"symbols": -math.inf, "the better": part_search._TOLERANCE, "draft": math.inf}


def main() -> None:
    """Make the lines, translate them in each way, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    for name in ("--src", "--ref", "--train-src", "--train-tgt"):
        parser.add_argument(name, type=Path, required=True)
    arguments = parser.parse_args()
    translator = Translator.load(arguments.model)
    tokenizers = translator.model.tokenizers
    with tempfile.TemporaryDirectory() as folder:
        corpus = encoded_corpus(Path(folder), tokenizers, arguments.train_src, arguments.train_tgt)
        aligner = WordAligner(corpus, tokenizers)
        counts = corpus.src.counts(len(tokenizers.src))
    common = set(np.argsort(-counts, kind="stable")[: int(COMMON * len(counts))].tolist())
    sources, references = [], []
    for number, pair in enumerate(zip(read_lines(arguments.src), read_lines(arguments.ref), strict=True)):
        src, tgt = (
            tokenizer.encode([text])[0] for tokenizer, text in zip((tokenizers.src, tokenizers.tgt), pair, strict=True)
        )
        alignment = aligner.align(np.array(src), np.array(tgt))
        if replaced := replaceable(alignment, common):
            draw = random.Random(number)
            chosen = draw.sample(replaced, min(draw.randint(1, 2), len(replaced)))
            spans = draw.sample(SPANS, len(chosen))
            sources.append(text_of(tokenizers.src, alignment.src, [i for i, _ in chosen], spans))
            references.append(text_of(tokenizers.tgt, alignment.tgt, [j for _, j in chosen], spans))
    print(f"{len(sources):,} lines\n| | BLEU |\n|---|---|")
    for name, tolerance in CHOICES.items():
        part_search._TOLERANCE = tolerance
        bleu = BLEU().corpus_score(translator.translate(sources), [references]).score
        print(f"| {name} | {bleu:.2f} |", flush=True)


def replaceable(alignment: WordAlignment, common: set[int]) -> list[tuple[int, int]]:
    """Links of one word to one word that is not common."""
    src_links, tgt_links = Counter(i for i, _ in alignment.possible), Counter(j for _, j in alignment.possible)
    return [
        (i, j)
        for i, j in alignment.certain
        if alignment.src[i][0] not in common and src_links[i] == 1 and tgt_links[j] == 1
    ]


def text_of(tokenizer: Tokenizer, words: Sequence[Sequence[int]], replaced: Sequence[int], spans: Sequence[str]) -> str:
    """The text of words, with spans instead of some."""
    spans_of_words = dict(zip(replaced, spans, strict=True))
    texts = [
        (" " if tokenizer.starts_word(word[0]) else "") + spans_of_words.get(number, tokenizer.decode(word).strip())
        for number, word in enumerate(words)
    ]
    return "".join(texts).strip()


if __name__ == "__main__":
    main()
