"""From bitexts to a run's `data/` folder: tokenizers, encoded pairs, the validation text and a report."""

import gc
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seq2seq.config import DataConfig, TokenizerConfig
from seq2seq.data.bitext import Pair, normalized
from seq2seq.data.corpus import Corpus, CorpusWriter
from seq2seq.data.findings import SideReport, SourceReport, VocabularyReport
from seq2seq.data.insertion import insert_symbols
from seq2seq.data.languages import language_code, language_warnings, looks_swapped
from seq2seq.data.overlap import Overlap
from seq2seq.data.report import DataReport
from seq2seq.data.sources import Sources
from seq2seq.data.splits import Selection
from seq2seq.data.spool import PairSpool
from seq2seq.errors import InputError
from seq2seq.io.manifest import SealedFolder, seal_folder
from seq2seq.io.storage import discard, parse_json, to_json, write_file
from seq2seq.tokenizer.profile import PROFILE, ProfileLearner, TextProfile
from seq2seq.tokenizer.scripts import is_unspaced
from seq2seq.tokenizer.shared_spans import encode_pairs
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers
from seq2seq.tokenizer.training import default_vocab_size, train_tokenizer

_EXAMPLES = 3
_TOKENIZER_PAIRS, _TOKENIZER_CHARACTERS = 100_000, 2**26
_PROFILE_PAIRS = 200_000
_LENGTHS_KEPT = 1000
# Objects between two runs of Python's garbage collector: pairs and texts have no cycles that it could find.
_COLLECTED_AFTER = 100_000
_REPORT, _VALID = "report.json", "valid.json"
_LARGEST_VALIDATION, _LARGEST_REPORT = 2**30, 2**26


@dataclass(frozen=True)
class PreparedData:
    """The content of a run's `data/` folder that training reads."""

    tokenizers: Tokenizers
    train: Corpus
    valid: Corpus
    valid_pairs: list[Pair]
    report: Mapping[str, Any]
    """The data report, as `DataReport.as_json` gave it."""
    profile: TextProfile
    sha256: str
    """Checksum of the names and contents of all files in the folder."""


def load_data(folder: Path, data: DataConfig, tokenizer: TokenizerConfig) -> PreparedData:
    """Read a folder written by `prepare_data` with these settings.

    Raises InputError if a file is missing, altered or damaged.
    """
    files = {split: {name: f"{split}/{name}" for name in Corpus.FILES} for split in ("train", "valid")}
    corpus_files = [name for names in files.values() for name in names.values()]
    required = (_VALID, _REPORT, *Tokenizers.file_names(tokenizer.joint), *corpus_files)
    sealed = SealedFolder(folder, required=required, optional=(PROFILE,))
    tokenizers = Tokenizers.load(sealed, tokenizer.joint, data.normalize)
    train, valid = (
        Corpus(folder / split, {name: sealed.file(path) for name, path in names.items()})
        for split, names in files.items()
    )
    for corpus in (train, valid):
        corpus.expect(len(tokenizers.src), len(tokenizers.tgt), data.max_length)
        if sum(part.pairs * part.weight for part in corpus.parts) < 1:
            raise InputError(f"{folder}: its weights leave less than one pair per epoch")
    pairs = _parse_pairs(sealed.read(_VALID, _LARGEST_VALIDATION), folder / _VALID)
    if not pairs:
        raise InputError(f"{folder}: damaged (no validation pairs)")
    report = parse_json(sealed.read(_REPORT, _LARGEST_REPORT), folder / _REPORT)
    return PreparedData(tokenizers, train, valid, pairs, report, TextProfile.load(sealed), sealed.sha256)


def _parse_pairs(data: bytes, path: Path) -> list[Pair]:
    try:
        rows = TypeAdapter(list[tuple[str, str, int]]).validate_python(parse_json(data, path))
    except ValidationError:
        raise InputError(f"{path}: damaged (expected [source, target, line] for each pair)") from None
    return [Pair(*row) for row in rows]


def prepare_data(
    data: DataConfig,
    tokenizer: TokenizerConfig,
    sources: Sources,
    folder: Path,
    tokenizers: Tokenizers | None = None,
) -> DataReport:
    """Write what training reads, with symbols of protected spans in some of the training pairs.

    tokenizers: by default trained on the pairs.
    Raises InputError if files cannot be read, do not match or hold too few pairs.
    """
    with selected(data, tokenizer, sources, folder, tokenizers) as (selection, tokenizers):
        train = folder / ("plain" if tokenizers.has_symbols else "train")
        report = encode_selection(data, sources, selection, tokenizers, folder, train)
        write_file(folder / PROFILE, _learn_profile(sources, selection).content())
    if tokenizers.has_symbols:
        insert_symbols(train, folder / "train", tokenizers, data.max_length)
        discard(train)
    write_report(report, folder)
    return report


def write_report(report: DataReport, folder: Path, further: Mapping[str, Any] | None = None) -> None:
    """Write the report, with further entries, to a folder with prepared data, and seal that."""
    write_file(folder / _REPORT, to_json({**report.as_json(), **(further or {})}))
    seal_folder(folder)


def write_tokenizers(tokenizers: Tokenizers, folder: Path) -> None:
    """Write the files of the vocabularies to a folder with prepared data."""
    for name, side in tokenizers.files().items():
        write_file(folder / name, side.model)


def write_validation_pairs(pairs: Sequence[Pair], folder: Path) -> None:
    """Write the text of the validation pairs to a folder with prepared data."""
    write_file(folder / _VALID, to_json([[pair.src, pair.tgt, pair.line] for pair in pairs]))


def report_data(data: DataConfig, tokenizer: TokenizerConfig, sources: Sources, folder: Path) -> DataReport:
    """The report of `prepare_data`, with the same errors. folder: for files of which only the report is of use."""
    with selected(data, tokenizer, sources, folder) as (selection, tokenizers):
        return encode_selection(data, sources, selection, tokenizers, folder, folder / "train")


@contextmanager
def selected(
    data: DataConfig,
    tokenizer: TokenizerConfig,
    sources: Sources,
    folder: Path,
    tokenizers: Tokenizers | None = None,
) -> Iterator[tuple[Selection, Tokenizers]]:
    """The pairs, surveyed and with some held out if no validation data is given.

    With the tokenizers, by default trained on the pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with PairSpool(folder) as spool, _few_collections():
        selection = Selection(data, sources, spool, folder)
        tokenizers = tokenizers or _train_tokenizers(tokenizer, selection, data.normalize)
        write_tokenizers(tokenizers, folder)
        yield selection, tokenizers


@contextmanager
def _few_collections() -> Iterator[None]:
    """Python's garbage collector runs less often; by default it takes a tenth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECTED_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _learn_profile(sources: Sources, selection: Selection) -> TextProfile:
    learner = ProfileLearner(language_code(sources.src_lang), language_code(sources.tgt_lang))
    for pair in selection.training_pairs(_PROFILE_PAIRS):
        learner.add(pair.src, pair.tgt)
    survey = selection.survey
    return learner.finish(survey.src_characters, unspaced_targets=is_unspaced(survey.tgt_characters))


def _train_tokenizers(config: TokenizerConfig, selection: Selection, normalize: bool) -> Tokenizers:
    survey = selection.survey
    sources, targets = survey.src_characters, survey.tgt_characters

    def sample() -> Iterator[Pair]:
        mean = (sources.total() + targets.total()) / selection.survey.usable
        return selection.training_pairs(min(_TOKENIZER_PAIRS, int(_TOKENIZER_CHARACTERS / mean)))

    def train(texts: Iterable[str], characters: Counter[str]) -> Tokenizer:
        size = config.vocab_size or default_vocab_size(selection.usable, characters)
        return train_tokenizer(texts, characters, size, config.model_type, symbols=config.symbols)

    if config.joint:
        joint = train((text for pair in sample() for text in (pair.src, pair.tgt)), sources + targets)
        return Tokenizers(joint, joint, normalize)
    src = train((pair.src for pair in sample()), sources)
    return Tokenizers(src, train((pair.tgt for pair in sample()), targets), normalize)


def encode_selection(
    data: DataConfig, sources: Sources, selection: Selection, tokenizers: Tokenizers, folder: Path, train_folder: Path
) -> DataReport:
    """Write the corpora, and collect the report on the way. train_folder: of the training pairs."""
    origin = str(sources.valid) if sources.valid else "held out for validation"
    valid_report = SourceReport(origin)
    valid_pairs = list(selection.validation_pairs(valid_report))
    write_validation_pairs(valid_pairs, folder)
    overlaps = [Overlap("validation", valid_pairs)]
    notes = list(sources.notes)
    if unknown := [side for side in ("src", "tgt") if not getattr(sources, f"{side}_lang")]:
        names = {"src": "source", "tgt": "target"}
        notes.append(
            f"{' and '.join(names[side] for side in unknown)} language unknown: neither columns nor file names tell; "
            f"give {' and '.join(f'--{side}-lang' for side in unknown)}"
        )
    if sources.test:
        try:
            overlaps.append(Overlap("test", normalized(sources.test) if data.normalize else sources.test))
        except InputError as error:
            notes.append(f"the test split is not compared with the training pairs: {error}")

    def track_overlaps(blocks: Iterable[list[Pair]]) -> Iterator[Pair]:
        for pairs in blocks:
            for overlap in overlaps:
                overlap.add(pairs)
            yield from pairs

    reports = []
    with CorpusWriter(train_folder, tokenizers.src, tokenizers.tgt, data.max_length) as train:
        for index, source in enumerate(sources.train):
            report = SourceReport(str(source.pairs), weight=source.weight, max_length=data.max_length)
            too_long = _TooLong(report)
            pairs = track_overlaps(selection.training_pairs_of(index, report))
            report.kept = train.add(pairs, too_long.add, source.weight)
            report.too_long_median = too_long.median
            reports.append(report)
    with CorpusWriter(folder / "valid", tokenizers.src, tokenizers.tgt, data.max_length) as valid:
        valid_report.kept = valid.add(valid_pairs, _TooLong(valid_report).add)
    if not any(report.kept for report in reports):
        raise InputError("; ".join(f"{report.name}: {report.losses}" for report in reports))
    if not valid_report.kept:
        raise InputError(f"{valid_report.name}: {valid_report.losses}")

    survey, sample = selection.survey, selection.survey.sample
    return DataReport(
        sources=reports,
        valid=valid_report,
        src=SideReport.of(train.src_pieces, survey.src_characters.total() / survey.usable),
        tgt=SideReport.of(train.tgt_pieces, survey.tgt_characters.total() / survey.usable),
        usual_ratio=survey.usual_ratio,
        several_translations=survey.several_translations,
        unspaced_targets=is_unspaced(survey.tgt_characters),
        overlaps=[overlap.report() for overlap in overlaps],
        vocabulary=VocabularyReport.of(tokenizers.files(), train, valid),
        examples=[_pieces(tokenizers, pair) for pair in _different(sample, _EXAMPLES)],
        notes=notes,
        language_warnings=_language_warnings(sources, sample, valid_pairs),
        unknown_languages=[name for name in (sources.src_lang, sources.tgt_lang) if name and not language_code(name)],
        valid_pieces_median=valid.src_pieces.quantile(0.5),
    )


class _TooLong:
    """The pairs of a source that are too long."""

    def __init__(self, report: SourceReport) -> None:
        """report: gets the finding."""
        self._finding = report.finding("too_long", left_out=True)
        self._lengths: list[int] = []

    def add(self, line: int, pieces: int) -> None:
        """Count a pair. pieces: of its longer side."""
        self._finding.add(line)
        if len(self._lengths) < _LENGTHS_KEPT:
            self._lengths.append(pieces)

    @property
    def median(self) -> int:
        """Of the pieces of the first ones; 0 if there is none."""
        return round(statistics.median(self._lengths)) if self._lengths else 0


def _different(pairs: list[Pair], count: int) -> list[Pair]:
    """Pairs drawn at random with a fixed seed, no two with the same source."""
    by_source = {pair.src: pair for pair in pairs}
    return random.Random(0).sample(list(by_source.values()), min(count, len(by_source)))


def _pieces(tokenizers: Tokenizers, pair: Pair) -> tuple[str, str]:
    (src,), (tgt,) = encode_pairs(tokenizers.src, tokenizers.tgt, [(pair.src, pair.tgt)])
    return " ".join(tokenizers.src.pieces(src)), " ".join(tokenizers.tgt.pieces(tgt))


def _language_warnings(sources: Sources, train: list[Pair], valid: list[Pair]) -> list[str]:
    valid = valid[: len(train)]
    src, tgt, valid_src, valid_tgt = (
        [getattr(pair, side) for pair in pairs] for pairs in (train, valid) for side in ("src", "tgt")
    )
    warnings = language_warnings(src, tgt, sources.src_lang, sources.tgt_lang)
    if looks_swapped(src, tgt, valid_src, valid_tgt):
        warnings.append("the validation pairs look swapped: their sources resemble the training targets")
    return warnings
