"""Lines in, lines out: a trained model, or an ensemble of several, applied to text.

One output per input line, in order. A line of nothing visible stays blank and never reaches the model. Sentences are
translated one by one, and so are the pieces of a sentence over the model's limit; their translations are joined.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, Self

from seq2seq.errors import InputError
from seq2seq.inference.confidence import Confidence, load_confidence
from seq2seq.inference.engine import load_engine
from seq2seq.inference.glossary import Glossary
from seq2seq.inference.part_search import Model, PartSearch, Result, Source
from seq2seq.inference.segmentation import Line, Part, Segmenter
from seq2seq.runs.model_folder import ModelFolder, open_models
from seq2seq.search import options as search
from seq2seq.search.options import SearchOptions
from seq2seq.search.repetition import repeats
from seq2seq.tokenizer.profile import TextProfile

# Length penalty of a model whose training has not finished.
_UNTUNED = 1.0

BUFFER_SIZE = 512
"""Lines that are read, sorted by length and translated before the next ones are read: memory stays bounded."""
# Share of training lines of several sentences from which a model translates lines as they are.
_TRAINED_ON_SEVERAL = 0.1
# Of a part that has nothing to translate.
_EMPTY = search.Hypothesis((), 0.0, 0.0, ())
_NOTHING = Source(())
# Hypotheses that are kept for parts that repeat.
_CACHED = 10_000
_WIDEST_BEAM = 2**16
_MAX_PENALTY = 100.0
# Characters at which a buffer of long lines is full before it has that many lines.
_BUFFER_CHARACTERS = 2**20


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A candidate translation of a line."""

    text: str
    pieces: int
    """Pieces of the text, eos included."""
    log_prob: float
    """log p(text's pieces and eos | line), natural logarithm."""
    score: float
    """log_prob over the length penalty. Candidates are ranked by it, apart from repetition and protected spans."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The translation of one line."""

    source: str
    """The line."""
    hypotheses: list[Hypothesis]
    """Best first, `n_best` of them. Those of a blank line are empty, those of a line that has nothing to translate are
    the line; their log-probability is 0."""
    parts: int
    """Sentences, and pieces of those over the model's limit, that were translated one by one; 0 if nothing was."""
    exceeds_limit: bool
    """Whether a sentence was over the model's limit."""
    reached_limit: bool
    """Whether the best hypothesis of a part is as long as the search permits: it may be incomplete."""
    confidence: float | None
    """The sentence chrF to be expected of the best hypothesis, 0 to 100, with one decimal; None if nothing was
    translated, or if the model cannot tell."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How lines are taken apart."""

    split: Literal["auto", "never", "always"] = "auto"
    """Whether sentences are translated one by one; `auto`: if the model was trained on lines of one sentence."""
    keep: Sequence[re.Pattern[str]] = ()
    """What to leave as it is, in addition to URLs, placeholders, tags and the like; see `keep_patterns`."""
    glossary: Glossary | None = None
    """Terms whose translations are given."""

    def splits(self, profile: TextProfile) -> bool:
        """Whether a model with this profile translates sentences one by one."""
        if self.split != "auto":
            return self.split == "always"
        return profile.several_sentences is not None and profile.several_sentences < _TRAINED_ON_SEVERAL


DEFAULT_TEXT_OPTIONS = TextOptions()


class Translator:
    """Translates lines with a model. Several threads may use it at once."""

    def __init__(
        self,
        model: Model,
        *,
        batch_size: int = 32,
        text: TextOptions = DEFAULT_TEXT_OPTIONS,
        confidence: Confidence | None = None,
    ) -> None:
        """batch_size: sentences searched together. It affects speed and memory, not translations.

        text: how lines are taken apart. confidence: estimates that of each translation.
        """
        if batch_size < 1:
            raise InputError(f"batch_size = {batch_size}: must be at least 1")
        if (text.keep or text.glossary) and not model.tokenizers.has_symbols:
            raise InputError(
                "the model has no symbols for protected spans, so nothing can be kept and no glossary used; train it "
                "again with this version"
            )
        self.model = model
        self.batch_size = batch_size
        self._search = PartSearch(model, batch_size)
        self._forbidden = tuple(model.tokenizers.tgt.forbidden_ids())
        self._confidence = confidence
        self._segmenter = Segmenter(
            model.tokenizers,
            model.profile,
            model.config.data.max_length,
            split=text.splits(model.profile),
            keep=text.keep,
            glossary=text.glossary,
        )

    @classmethod
    def load(
        cls,
        path: str | Path,
        *others: str | Path,
        device: str = "cpu",
        batch_size: int = 32,
        text: TextOptions = DEFAULT_TEXT_OPTIONS,
    ) -> Self:
        """Read a model folder, or the best step of a run folder; several make an ensemble.

        Raises InputError if one is missing or damaged, or if they do not share languages and vocabularies.
        """
        folders = open_models([Path(folder) for folder in (path, *others)])
        return cls.of(folders, device=device, batch_size=batch_size, text=text)

    @classmethod
    def of(
        cls,
        folders: Sequence[ModelFolder],
        *,
        device: str = "cpu",
        batch_size: int = 32,
        text: TextOptions = DEFAULT_TEXT_OPTIONS,
    ) -> Self:
        """The same for folders that `open_models` has checked.

        On a CPU a single model runs in the engine, without torch, if that was compiled and supports the network.
        """
        confidence = load_confidence(folders[0])
        single_on_cpu = len(folders) == 1 and device == "cpu"
        if single_on_cpu and (engine := load_engine(folders[0])):
            return cls(engine, batch_size=batch_size, text=text, confidence=confidence)
        from seq2seq.runs.trained_model import TrainedModel, load_models

        model = TrainedModel.load_without_engine(folders[0]) if single_on_cpu else load_models(folders, device)
        return cls(model, batch_size=batch_size, text=text, confidence=confidence)

    @property
    def knows_confidence(self) -> bool:
        """Whether the model can estimate the confidence in a translation."""
        return self._confidence is not None

    def translate(
        self, lines: Iterable[str], *, beam_size: int | None = None, length_penalty: float | None = None
    ) -> list[str]:
        """The best translation of each line.

        beam_size and length_penalty default to those of the model, or of the first of an ensemble; beam size 1 is
        greedy search.
        """
        if isinstance(lines, str):
            raise TypeError("lines is a list of strings, not a string")
        stream = self.stream(lines, beam_size=beam_size, length_penalty=length_penalty)
        return [translation.hypotheses[0].text for translation in stream]

    def stream(
        self,
        lines: Iterable[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        n_best: int = 1,
        buffer_size: int = BUFFER_SIZE,
    ) -> Iterator[Translation]:
        """Translate lines as they come, `buffer_size` at a time; yields one Translation per line, in order.

        Raises InputError with the number of a line that is not valid Unicode, TypeError if it is not a string.
        """
        options = self.search_options(beam_size, length_penalty, n_best)
        cache: dict[Source, Result] = {}
        for window in windows(lines, buffer_size):
            for source, (line, results) in zip(window, self.search_lines(window, options, cache), strict=True):
                yield self._translation(source, line, results, options)
            for oldest in list(islice(cache, max(0, len(cache) - _CACHED // n_best))):
                del cache[oldest]

    def search_lines(
        self, lines: Sequence[str], options: SearchOptions, cache: dict[Source, Result]
    ) -> list[tuple[Line, list[Result]]]:
        """Each line in parts, with the hypotheses of each part.

        cache: the hypotheses of parts that were searched before; takes those of new ones.
        """
        segmented = self._segmenter.segment(lines)
        sources = dict.fromkeys(part.source for line in segmented for part in line.parts if part.ids)
        new = [source for source in sources if source not in cache]
        cache.update(zip(new, self._search.search(new, options), strict=True))
        cache[_NOTHING] = Result([_EMPTY] * options.n_best, (), _EMPTY)
        return [(line, [cache[part.source] for part in line.parts]) for line in segmented]

    def search_options(
        self, beam_size: int | None = None, length_penalty: float | None = None, n_best: int = 1
    ) -> SearchOptions:
        """The options of a search, by default those of the model. Raises InputError for values out of range."""
        defaults = self.model.config.search
        tuned = _UNTUNED if defaults.length_penalty is None else defaults.length_penalty
        length_penalty = tuned if length_penalty is None else length_penalty
        beam_size = defaults.beam_size if beam_size is None else beam_size
        if not (1 <= beam_size <= _WIDEST_BEAM and 1 <= n_best <= _WIDEST_BEAM and 0 <= length_penalty <= _MAX_PENALTY):
            raise InputError(
                f"beam_size and n_best must be 1 to {_WIDEST_BEAM:,}, length_penalty 0 to {_MAX_PENALTY:g}"
            )
        symbols = self.model.tokenizers.has_symbols
        return SearchOptions(max(beam_size, n_best), length_penalty, n_best, self._forbidden, symbols=symbols)

    def _translation(self, source: str, line: Line, results: list[Result], options: SearchOptions) -> Translation:
        """The translation of a line from those of its parts: the best with the best, the second with the second."""
        tokenizer = self.model.tokenizers.tgt
        searched = [(part, result) for part, result in zip(line.parts, results, strict=True) if part.ids]
        if not searched:
            has_terms = any(span.translation for part in line.parts for span in part.sentence.spans)
            copied = as_copy(source) if line.parts else ""
            text = line.join(tokenizer, [()] * len(line.parts)) if has_terms else copied
            return Translation(source, [Hypothesis(text, 0, 0.0, 0.0)] * options.n_best, 0, False, False, None)
        hypotheses = [
            Hypothesis(
                line.join(tokenizer, [hypothesis.tokens for hypothesis in ranked]),
                sum(len(hypothesis.token_log_probs) for hypothesis in ranked),
                sum(hypothesis.log_prob for hypothesis in ranked),
                sum(hypothesis.score for hypothesis in ranked),
            )
            for ranked in zip(*(result.hypotheses for result in results), strict=True)
        ]
        return Translation(
            source,
            hypotheses,
            len(searched),
            exceeds_limit=any(part.exceeds_limit for part, _ in searched),
            reached_limit=any(options.is_longest(result.found, len(result.source) + 1) for _, result in searched),
            confidence=self._estimate(searched),
        )

    def _estimate(self, searched: list[tuple[Part, Result]]) -> float | None:
        """The mean confidence in the translations of parts, weighted by the length of their sources."""
        if self._confidence is None:
            return None
        weighted = pieces = 0.0
        for part, result in searched:
            pieces += len(part.ids)
            if not repeats(result.found.tokens, result.source):
                weighted += len(part.ids) * self._confidence.estimate(result.source, result.found)
        return round(weighted / pieces, 1)


def as_copy(line: str) -> str:
    """A line as its own translation: without carriage returns, which would end it for other programs."""
    return line.rstrip("\r").replace("\r", " ")


def windows(lines: Iterable[str], buffer_size: int) -> Iterator[list[str]]:
    """The lines in groups of at most `buffer_size`; a group ends early if its lines are long.

    Raises InputError with the number of a line that is not valid Unicode, TypeError if it is not a string.
    """
    if buffer_size < 1:
        raise InputError(f"buffer_size = {buffer_size}: must be at least 1")
    window: list[str] = []
    characters = 0
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, str):
            raise TypeError(f"line {number} is not a string but {type(line).__name__}")
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"line {number}: not valid Unicode ({line[error.start]!a} is a lone surrogate)") from None
        window.append(line)
        characters += len(line)
        if len(window) >= buffer_size or characters > _BUFFER_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window
