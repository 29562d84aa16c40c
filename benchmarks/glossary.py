"""A glossary over a test set: how many of its terms are in the translations, and what it costs.

    python benchmarks/glossary.py MODEL --src test.de --ref test.en --train-src train.de --train-tgt train.en

Terms are words of the test set whose most frequent translation in the training data, by word alignment, is in the
reference of a line but not in the model's translation; words of more than one in 200 training pairs are left out.
Prints the share of the terms' occurrences in the test set whose translation is in the output, and BLEU, both with and
without the glossary.
"""

import argparse
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from seq2seq import Translator
from seq2seq.data.bitext import Pair
from seq2seq.data.corpus import Corpus, CorpusWriter
from seq2seq.data.word_alignment import WordAligner
from seq2seq.inference.glossary import Glossary
from seq2seq.inference.translator import TextOptions
from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.tokenizer import Tokenizers

FEWEST_LINKS, MOST_COMMON = 3, 1 / 200
_WORD = re.compile(r"[^\W\d_]{2,}")


def main() -> None:
    """Make the glossary, translate with and without it, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    for name in ("--src", "--ref", "--train-src", "--train-tgt"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--terms", type=int, default=200)
    parser.add_argument("--usual", type=float, default=0.5, help="share of a word's links to its translation, at least")
    parser.add_argument("--lines", type=int, help="of the test set; all by default")
    arguments = parser.parse_args()
    sources, references = (list(islice(read_lines(path), arguments.lines)) for path in (arguments.src, arguments.ref))
    translator = Translator.load(arguments.model)
    plain = translator.translate(sources)
    known = translations_of_words(
        translator.model.tokenizers, arguments.train_src, arguments.train_tgt, arguments.usual
    )
    terms = dict(islice(improving_terms(known, zip(sources, references, plain, strict=True)), arguments.terms))
    glossary = Glossary(terms)
    with_terms = Translator.load(arguments.model, text=TextOptions(glossary=glossary)).translate(sources)
    expected = [[span.translation or "" for span in glossary.find(line)] for line in sources]
    count = sum(map(len, expected))
    print(f"{len(terms):,} terms, {count:,} occurrences in {sum(map(bool, expected)):,} of {len(sources):,} lines")
    print("| | terms in the output | BLEU |\n|---|---|---|")
    for name, translations in (("without the glossary", plain), ("with the glossary", with_terms)):
        found = sum(count_found(line, text) for line, text in zip(expected, translations, strict=True))
        bleu = BLEU().corpus_score(translations, [references]).score
        print(f"| {name} | {found / max(1, count):.2%} | {bleu:.2f} |")


def count_found(terms: list[str], translation: str) -> int:
    """How many of the terms are in a translation, in any case; a term that is expected twice must be there twice."""
    return sum(
        min(expected, len(re.findall(rf"(?<!\w){re.escape(term)}(?!\w)", translation, re.IGNORECASE)))
        for term, expected in Counter(term.lower() for term in terms).items()
    )


def translations_of_words(tokenizers: Tokenizers, src: Path, tgt: Path, usual: float) -> Mapping[str, str]:
    """The most frequent translation of each word of the training data that is not too common, by word alignment.

    usual: least share of the word's links that are to this translation.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder:
        corpus = encoded_corpus(Path(folder), tokenizers, src, tgt)
        aligner = WordAligner(corpus, tokenizers)
        for number in range(len(corpus)):
            alignment = aligner.align(corpus.src[number], corpus.tgt[number])
            words = [tokenizers.src.decode(ids).strip() for ids in alignment.src]
            others = [tokenizers.tgt.decode(ids).strip() for ids in alignment.tgt]
            for i, j in alignment.certain:
                counts[words[i]][others[j]] += 1
        most = MOST_COMMON * len(corpus)
    best = {word: found.most_common(1)[0] for word, found in counts.items()}
    return {
        word: other
        for word, (other, links) in best.items()
        if links >= max(FEWEST_LINKS, usual * counts[word].total()) and counts[word].total() <= most
    }


def encoded_corpus(folder: Path, tokenizers: Tokenizers, src: Path, tgt: Path) -> Corpus:
    """A bitext as a corpus in a folder."""
    pairs = [
        Pair(tokenizers.source_text(line), tokenizers.target_text(other), number)
        for number, (line, other) in enumerate(zip(read_lines(src), read_lines(tgt), strict=True), start=1)
    ]
    with CorpusWriter(folder, tokenizers.src, tokenizers.tgt, max_length=128) as writer:
        writer.add(pairs, lambda line, pieces: None)
    return Corpus(folder)


def improving_terms(known: Mapping[str, str], lines: Iterator[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Words of lines (source, reference, output) with the translation that is in the reference, not in the output."""
    for source, reference, output in lines:
        for word in _WORD.findall(source):
            translation = known.get(word, "")
            if _WORD.fullmatch(translation) and count_found([translation], reference) > count_found(
                [translation], output
            ):
                yield word, translation


if __name__ == "__main__":
    main()
