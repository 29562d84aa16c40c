"""The data of a fine-tuning: new pairs, encoded with the vocabularies of a trained model, and pairs that it learnt.

The old pairs are replayed so that the model does not forget them (mixed fine-tuning, Chu et al. 2017). Those whose
targets hold a word that the new pairs correct are left out: they would teach it again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.config import LARGEST_WEIGHT, SMALLEST_WEIGHT, DataConfig
from seq2seq.data.bitext import Pair
from seq2seq.data.corpus import Corpus, CorpusWriter, Ids, Part, write_encoded
from seq2seq.data.findings import SourceReport
from seq2seq.data.preparation import (
    PreparedData,
    encode_selection,
    write_report,
    write_tokenizers,
    write_validation_pairs,
)
from seq2seq.data.report import DataReport
from seq2seq.data.sources import Sources
from seq2seq.data.splits import Selection
from seq2seq.data.spool import PairSpool
from seq2seq.io.storage import discard, write_file
from seq2seq.tokenizer.profile import PROFILE, TextProfile
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers

# Pairs that a tuning needs, and from how many on some are held out.
_LEAST_PAIRS, _FEWEST_TO_HOLD_OUT = 2, 20
# New pairs that the old model translates to see what they correct.
_COMPARED = 500
# A word is replaced if this share of the references of its translations lack it, and at least three.
_SHARE, _FEWEST = 0.8, 3
# A reference is an edit of a translation if this share of the words is in both. In text of another kind, usual words of
# the old kind are "replaced", and without them nothing could be replayed.
_SAME = 0.6
# Target tokens of new pairs in an epoch, at least: few pairs are repeated, or its batches would be small and noisy.
_FEWEST_TOKENS = 5_000
# Old pairs that are replayed, and their target tokens in an epoch for each new one.
_REPLAYED, _REPLAY_SHARE = 20_000, 2.0
# New validation pairs, with pairs that are trained on if fewer are held out: with few corrections the score would be
# that of two or three sentences. Old ones are added, enough to see a loss.
_FEWEST_VALIDATION, _OLD_VALIDATION = 100, 300
_TUNING = "tuning"
_WORD = re.compile(r"\w+")
_SEED = 23


@dataclass(frozen=True)
class ValidationParts:
    """What the validation pairs of a fine-tuning are: new ones, if they are few repeated, then old ones."""

    held_out: int
    """New pairs that are not trained on."""
    trained: int
    """New pairs that are."""
    old: int
    """Validation pairs of the run of the old model."""
    corrected: tuple[str, ...]
    """Words that the new pairs have instead of others in the old model's translations."""

    @classmethod
    def of(cls, data: PreparedData) -> "ValidationParts":
        """Those of a prepared fine-tuning."""
        parts = data.report[_TUNING]
        return cls(parts["held_out"], parts["trained"], parts["old"], tuple(parts["corrected"]))


def is_tuning(data: PreparedData) -> bool:
    """Whether the data is that of a fine-tuning."""
    return _TUNING in data.report


@dataclass(frozen=True)
class Corrections:
    """Words that new references have and the translations of the old model have not, and the reverse."""

    corrected: frozenset[str]
    replaced: frozenset[str]

    @classmethod
    def of(cls, translations: Sequence[str], references: Sequence[str]) -> "Corrections":
        """By the words of both, in lower case. None if most references are no edits, but text of another kind."""
        texts = [
            (words_of(translation), words_of(reference))
            for translation, reference in zip(translations, references, strict=True)
        ]
        if 2 * sum(map(_is_edit, texts)) < len(texts):
            return cls(frozenset(), frozenset())
        return cls(_missing((reference, translation) for translation, reference in texts), _missing(texts))


def _is_edit(texts: tuple[set[str], set[str]]) -> bool:
    """Whether two sets of words are mostly the same."""
    words, others = texts
    return len(words & others) >= _SAME * max(len(words), len(others))


def words_of(text: str) -> set[str]:
    """The words of a text, in lower case."""
    return set(_WORD.findall(text.lower()))


def _missing(texts: Iterable[tuple[set[str], set[str]]]) -> frozenset[str]:
    """Words of the first sets that the second ones mostly lack."""
    count: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for words, others in texts:
        count.update(words)
        missing.update(words - others)
    return frozenset(word for word, times in missing.items() if times >= max(_FEWEST, _SHARE * count[word]))


def prepare_tuning_data(
    data: DataConfig,
    sources: Sources,
    tokenizers: Tokenizers,
    profile: TextProfile,
    old: PreparedData | None,
    translate: Callable[[list[str]], list[str]],
    folder: Path,
) -> DataReport:
    """Write what a fine-tuning reads.

    tokenizers, profile, translate: the old model's; old: the data that it was trained on, if that is there.
    Raises InputError if files cannot be read, do not match or hold too few pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizers(tokenizers, folder)
    write_file(folder / PROFILE, profile.content())
    with PairSpool(folder) as spool:
        selection = Selection(data, sources, spool, folder, least_pairs=_LEAST_PAIRS)
        report = encode_selection(data, sources, selection, tokenizers, folder, folder / "new")
        new = list(selection.training_pairs(_COMPARED))
        held_out = list(selection.validation_pairs(SourceReport("")))
    corrections = Corrections.of(translate([pair.src for pair in new]), [pair.tgt for pair in new])
    corpora = [Corpus(folder / "new")]
    if not sources.valid and len(new) + len(held_out) < _FEWEST_TO_HOLD_OUT:
        corpora.append(Corpus(folder / "valid"))
        new, held_out = [*new, *held_out], []
        report.notes.append(f"fewer than {_FEWEST_TO_HOLD_OUT} pairs: those held out are trained on as well")
    _write_training(corpora, old, corrections, tokenizers, folder / "train")
    discard(folder / "new")
    trained = new[: max(0, _FEWEST_VALIDATION - len(held_out))]
    known = [pair for pair in old.valid_pairs if not corrections.replaced & words_of(pair.tgt)] if old else []
    old_pairs = _evenly(known, _OLD_VALIDATION)
    new_pairs = [*held_out, *trained]
    # Both kinds decide on the best step alike.
    validation = [*new_pairs * max(1, round(len(old_pairs) / len(new_pairs))), *old_pairs]
    discard(folder / "valid")
    with CorpusWriter(folder / "valid", tokenizers.src, tokenizers.tgt, data.max_length) as valid:
        valid.add(validation, lambda line, pieces: None)
    write_validation_pairs(validation, folder)
    parts = {"held_out": len(held_out), "trained": len(trained), "old": len(old_pairs)}
    write_report(report, folder, {_TUNING: parts | {"corrected": sorted(corrections.corrected)}})
    return report


def _write_training(
    new: Sequence[Corpus], old: PreparedData | None, corrections: Corrections, tokenizers: Tokenizers, folder: Path
) -> None:
    """The new pairs, and old ones with about twice as many target tokens in each epoch."""
    pairs: list[tuple[Ids, Ids]] = [
        (corpus.src[number], corpus.tgt[number]) for corpus in new for number in range(len(corpus))
    ]
    new_tokens = sum(corpus.target_tokens for corpus in new)
    replayed = list(_replayed(old.train, corrections, tokenizers.tgt)) if old else []
    repeats = max(1.0, _FEWEST_TOKENS / max(1, new_tokens))
    parts = [Part(part.pairs, min(repeats * part.weight, LARGEST_WEIGHT)) for corpus in new for part in corpus.parts]
    if replayed:
        tokens = sum(len(tgt) + 1 for _, tgt in replayed)
        weight = _REPLAY_SHARE * repeats * new_tokens / tokens
        parts.append(Part(len(replayed), min(max(weight, SMALLEST_WEIGHT), LARGEST_WEIGHT)))
    write_encoded(folder, [*pairs, *replayed], parts)


def _replayed(old: Corpus, corrections: Corrections, tokenizer: Tokenizer) -> Iterator[tuple[Ids, Ids]]:
    """Some of the old pairs, without those whose targets have a word that was replaced."""
    numbers = np.random.default_rng(_SEED).permutation(len(old))[:_REPLAYED]
    for number in sorted(numbers.tolist()):
        src, tgt = old.src[number], old.tgt[number]
        if not (corrections.replaced and corrections.replaced & words_of(tokenizer.decode(tgt.tolist()))):
            yield src, tgt


def _evenly(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """So many of them, evenly spread."""
    numbers = np.linspace(0, len(pairs) - 1, min(count, len(pairs)), dtype=int)
    return [pairs[number] for number in numbers]
