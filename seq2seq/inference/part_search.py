"""The search for the translations of parts: with their protected spans, and without them.

A model has seen few spans, and one within a phrase disturbs the translation of the words around it. So a part with
spans is also translated as if they were not there, and the model puts their symbols into this draft, at the most
probable places. Tags change no words: then the draft is the translation. Other spans often are words of their sentence,
which lacks something without them ("{count} files"): then the draft must be about as probable. A part with terms of a
glossary is translated without it first, which is enough if the terms' translations are in one of the best hypotheses.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol, TypeVar

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.inference.glossary import has_terms
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.search.repetition import repeats
from seq2seq.tokenizer.profile import TextProfile
from seq2seq.tokenizer.symbols import SPANS, SYMBOLS
from seq2seq.tokenizer.tokenizer import EOS, Tokenizers

# Logits of a step, one per hypothesis and piece: half a gigabyte. Larger batches are split.
_LOGITS_AT_ONCE = 2**27
# Hypotheses kept in the search for the places of symbols.
_PLACES = 4
# By how much the mean log-probability of its words may be lower in a draft, and the weight of the difference in score
# given the spans: chosen on the validation sets of Multi30k and Tatoeba, with spans inserted between words, which
# favours the draft, and instead of words, which does not.
_TOLERANCE, _SCORE_WEIGHT = 0.125, 0.2

_Item = TypeVar("_Item")


class Model(Protocol):
    """A trained model, an ensemble of several, or the engine that runs one without torch."""

    @property
    def config(self) -> Config:
        """The model's, or that of an ensemble's first model with the smallest length limit."""
        ...

    @property
    def tokenizers(self) -> Tokenizers:
        """The vocabularies."""
        ...

    @property
    def profile(self) -> TextProfile:
        """What the text of training looked like; that of an ensemble's first model."""
        ...

    def search(self, batches: Iterable[SourceIds], options: SearchOptions) -> Iterable[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch. A sentence is its ids, ended by eos."""
        ...

    def place_symbols(
        self, batches: Iterable[tuple[SourceIds, SourceIds]], options: SearchOptions
    ) -> Iterable[list[list[Hypothesis]]]:
        """Draft translations of sources, both ended by eos, with the symbols that they lack."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """What the model reads of a part, without eos."""

    ids: tuple[int, ...]
    """With symbols of its spans and terms; empty if there is nothing to translate."""
    draft_ids: tuple[int, ...] = ()
    """Without those of its spans; with the terms as they stand if it has nothing else. Empty if it has neither."""
    terms: tuple[str, ...] = ()
    """Translations of the terms, if they stand in `draft_ids` and must be in a draft."""

    @property
    def has_only_tags(self) -> bool:
        """Whether all that a draft lacks are tags."""
        return bool(self.draft_ids) and not self.terms and set(self.ids) & set(SPANS) <= set(self.draft_ids)


@dataclass(frozen=True, slots=True)
class Result:
    """The translations of a part."""

    hypotheses: Sequence[Hypothesis]
    """Best first."""
    source: tuple[int, ...]
    """What the model read when it found the first one."""
    found: Hypothesis
    """The first one as it was found: without the symbols that were put into it."""


class PartSearch:
    """Searches with a model."""

    def __init__(self, model: Model, batch_size: int) -> None:
        """batch_size: sentences searched together."""
        self._model, self._batch_size = model, batch_size

    def search(self, sources: Sequence[Source], options: SearchOptions) -> list[Result]:
        """The `n_best` translations of each source, which has ids."""
        with_terms = self._with_terms([source for source in sources if source.terms], options)
        texts = [
            source.ids
            for source in sources
            if not source.has_only_tags and len(with_terms.get(source, ())) < options.n_best
        ]
        texts += [source.draft_ids for source in sources if source.draft_ids and not source.terms]
        results = self._translate(texts, options)
        placed = self._place([source for source in sources if source.draft_ids and not source.terms], results, options)

        def result(source: Source) -> Result:
            if source in with_terms:
                seen = {self._text(hypothesis, source) for hypothesis in with_terms[source]}
                # Last those that read the same: there may be too few others.
                rest = sorted(results.get(source.ids, ()), key=lambda bound: self._text(bound, source) in seen)
                return Result((with_terms[source] + rest)[: options.n_best], source.draft_ids, with_terms[source][0])
            if source in placed:
                draft = results[source.draft_ids][0]
                if source.has_only_tags or _prefers_draft(source, results[source.ids][0], draft, placed[source][0]):
                    return Result(placed[source], source.draft_ids, draft)
            return Result(results[source.ids], source.ids, results[source.ids][0])

        return list(map(result, sources))

    def _translate(
        self, texts: Iterable[tuple[int, ...]], options: SearchOptions
    ) -> dict[tuple[int, ...], list[Hypothesis]]:
        """The hypotheses of each text. Where the best one repeats itself, those come first that do not."""
        results = self._search(texts, options)
        if options.beam_size > 1:
            repeating = [ids for ids, hypotheses in results.items() if repeats(hypotheses[0].tokens, ids)]
            for ids, hypotheses in self._search(repeating, replace(options, n_best=options.beam_size)).items():
                by_repetition = sorted(hypotheses, key=lambda hypothesis: repeats(hypothesis.tokens, ids))
                results[ids] = by_repetition[: options.n_best]
        return results

    def _search(
        self, texts: Iterable[tuple[int, ...]], options: SearchOptions
    ) -> dict[tuple[int, ...], list[Hypothesis]]:
        unique = list(dict.fromkeys(texts))
        results = self._in_batches(
            [[*ids, EOS] for ids in unique], len, lambda batches: self._model.search(batches, options), options
        )
        return dict(zip(unique, results, strict=True))

    def _place(
        self,
        sources: Sequence[Source],
        results: dict[tuple[int, ...], list[Hypothesis]],
        options: SearchOptions,
    ) -> dict[Source, list[Hypothesis]]:
        """The hypotheses of each draft with the symbols that it lacks."""
        items = [
            ([*source.ids, EOS], [*hypothesis.tokens, EOS])
            for source in sources
            for hypothesis in results[source.draft_ids]
        ]
        options = replace(options, beam_size=_PLACES, n_best=1)
        found = self._in_batches(
            items,
            lambda item: len(item[1]),
            lambda batches: self._model.place_symbols(
                (([source for source, _ in batch], [draft for _, draft in batch]) for batch in batches), options
            ),
            options,
        )
        placed = iter(best for (best,) in found)
        return {source: [next(placed) for _ in results[source.draft_ids]] for source in sources}

    def _with_terms(self, sources: Sequence[Source], options: SearchOptions) -> dict[Source, list[Hypothesis]]:
        """The hypotheses of drafts that have all terms, if there are any."""
        drafts = self._search((source.draft_ids for source in sources), replace(options, n_best=options.beam_size))
        decode = self._model.tokenizers.tgt.decode
        found = {}
        for source in sources:
            hypotheses = [
                hypothesis
                for hypothesis in drafts[source.draft_ids]
                if has_terms(decode(hypothesis.tokens), source.terms)
                and not repeats(hypothesis.tokens, source.draft_ids)
            ]
            if hypotheses:
                found[source] = hypotheses
        return found

    def _text(self, hypothesis: Hypothesis, source: Source) -> str:
        """A translation with terms instead of their symbols, to compare: without blanks and without its first case."""
        terms = dict(zip((token for token in source.ids if token in SPANS), source.terms, strict=True))
        decode = self._model.tokenizers.tgt.decode
        groups = groupby(hypothesis.tokens, lambda token: token if token in terms else None)
        text = "".join(decode(list(tokens)) if symbol is None else terms[symbol] for symbol, tokens in groups)
        text = text.replace(" ", "")
        return text[:1].lower() + text[1:]

    def _in_batches(
        self,
        items: Sequence[_Item],
        length: Callable[[_Item], int],
        search: Callable[[Iterable[list[_Item]]], Iterable[list[list[Hypothesis]]]],
        options: SearchOptions,
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each item, searched in batches of similar lengths."""
        order = sorted(range(len(items)), key=lambda index: length(items[index]), reverse=True)
        logits = options.beam_size * len(self._model.tokenizers.tgt)
        size = min(self._batch_size, max(1, _LOGITS_AT_ONCE // logits))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        results: list[list[Hypothesis]] = [[] for _ in items]
        found = search([items[index] for index in batch] for batch in batches)
        for batch, batch_results in zip(batches, found, strict=True):
            for index, hypotheses in zip(batch, batch_results, strict=True):
                results[index] = hypotheses
        if not all(results):
            raise InputError("the model's probabilities are NaN: its training has failed, or its file is damaged")
        return results


def _prefers_draft(source: Source, with_spans: Hypothesis, draft: Hypothesis, placed: Hypothesis) -> bool:
    """Whether a draft, with its symbols, is better than the translation that was searched with them."""
    repetition = repeats(with_spans.tokens, source.ids), repeats(draft.tokens, source.draft_ids)
    if repetition[0] != repetition[1]:
        return repetition[0]
    difference = _mean_of_words(draft) - _mean_of_words(with_spans)
    return difference + _SCORE_WEIGHT * (placed.score - with_spans.score) > -_TOLERANCE


def _mean_of_words(hypothesis: Hypothesis) -> float:
    """The mean log-probability of the tokens, eos included, that are not symbols."""
    tokens = zip([*hypothesis.tokens, EOS], hypothesis.token_log_probs, strict=True)
    words = [log_prob for token, log_prob in tokens if token not in SYMBOLS]
    return sum(words) / len(words)
