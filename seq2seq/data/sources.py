"""Open the bitexts of a configuration's data section: find the files, and the columns that hold the sentences."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from seq2seq.config import DataConfig
from seq2seq.data import hub
from seq2seq.data.bitext import AlignedFiles, Bitext, Chain, LazyBitext, TablePairs
from seq2seq.data.columns import ColumnHints, choose_columns, first_cells, is_header, language_of
from seq2seq.data.file_names import Direction, direction_of_file, languages_of_files
from seq2seq.data.formats.delimited import Delimited, Layout
from seq2seq.data.formats.opening import INFERRED, open_table
from seq2seq.data.formats.table import Column, InvalidRows, Table, column_name
from seq2seq.data.languages import language_code
from seq2seq.data.sentences import read_sentences
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_rereadable

DOWNLOADS = ".downloads"
"""Folder next to the runs for downloads from a hub."""


@dataclass(frozen=True)
class Source:
    """Training pairs, and how often an epoch samples them."""

    pairs: Bitext
    weight: float = 1.0


@dataclass(frozen=True)
class Sources:
    """All bitexts of a training."""

    train: tuple[Source, ...]
    valid: Bitext | None
    test: Bitext | None
    """Test split of a dataset, used only to find its overlap with the training pairs; opened when it is read."""
    src_lang: str
    tgt_lang: str
    notes: tuple[str, ...]
    """What was inferred, for the user to check."""


def open_sources(data: DataConfig, downloads: Path) -> Sources:
    """Open the bitexts that `data` names; downloads from the hub go to `downloads`.

    Raises InputError if there is no training data, or a bitext cannot be opened.
    """
    _expect_different_pipes([*data.train_src, *data.train_tgt, data.valid_src, data.valid_tgt])
    opener = _Opener(data, downloads)
    train = [
        *(opener.aligned(src, tgt) for src, tgt in zip(data.train_src, data.train_tgt, strict=True)),
        *(opener.table(name) for name in data.train),
        *(opener.dataset(name) for name in data.dataset),
    ]
    if not train:
        raise InputError("no training data: give --train-src and --train-tgt, or --train FILE, or --dataset")
    opener.infers_languages = False
    valid = opener.valid
    if data.valid:
        valid = opener.table(data.valid)
    elif data.valid_src and data.valid_tgt:
        valid = opener.aligned(data.valid_src, data.valid_tgt)
    weights = data.weights or (1.0,) * len(train)
    sources = tuple(Source(pairs, weight) for pairs, weight in zip(train, weights, strict=True))
    return Sources(sources, valid, opener.test, *opener.languages, tuple(opener.notes))


def expect_readable(data: DataConfig) -> None:
    """Raises InputError if a file that `data` names is missing, or is not what it is given as, by its beginning.

    Datasets are not looked at: they may have to be downloaded.
    """
    if not data.dataset:
        open_sources(data, Path(DOWNLOADS))
    for name in filter(None, (*data.train_src, *data.train_tgt, data.valid_src, data.valid_tgt)):
        if name != "-" and (Path(name).is_file() or not Path(name).exists()):
            errors = InvalidRows(data.invalid_lines).decoding
            next(read_sentences(name, encoding=data.encoding, errors=errors), None)


def _expect_different_pipes(names: Sequence[str | None]) -> None:
    """Raises InputError if standard input or a pipe is given twice: it can be read only once."""
    for name, count in Counter(names).items():
        if name is not None and count > 1 and (name == "-" or (Path(name).exists() and not Path(name).is_file())):
            raise InputError(f"{name}: is given {count} times but can be read only once; save it to a file first")


class _Opener:
    """Opens sources one after another and collects what is inferred on the way."""

    def __init__(self, data: DataConfig, downloads: Path) -> None:
        self._data, self._downloads = data, downloads
        self.src_lang, self.tgt_lang = data.src_lang, data.tgt_lang
        self.infers_languages = not (data.src_lang and data.tgt_lang)
        self._one_language: tuple[str, str] | None = None
        self.valid: Bitext | None = None
        self.test: Bitext | None = None
        self.notes: list[str] = []
        self._noted: set[tuple[str, Column, Column]] = set()

    def aligned(self, src: str, tgt: str) -> Bitext:
        self._infer_languages(*languages_of_files(src, tgt, (self.src_lang, self.tgt_lang)), f"{src} and {tgt}")
        return self._aligned(Path(src), Path(tgt))

    def _aligned(self, src: Path, tgt: Path) -> AlignedFiles:
        return AlignedFiles(src, tgt, self._data.encoding, InvalidRows(self._data.invalid_lines))

    def table(self, name: str) -> TablePairs:
        expect_rereadable(name)
        return self._table(Path(name))

    def dataset(self, name: str) -> Bitext:
        if Path(name).is_file():
            raise InputError(f"--dataset {name}: is a file, not a dataset; give a table with --train or --input")
        splits = self._splits(name)
        if self._data.split not in splits:
            raise InputError(f"{name}: no split {self._data.split}; choose with --split: {', '.join(splits)}")
        pairs = splits.pop(self._data.split)()
        self.valid = self.valid or _first_of(hub.VALIDATION_NAMES, splits, name)
        self.test = self.test or _first_of(hub.TEST_NAMES, splits, name)
        return pairs

    def _splits(self, name: str) -> dict[str, Callable[[], Bitext]]:
        """A function that opens each split of a dataset."""
        aligned = hub.aligned_splits(Path(name), self.src_lang, self.tgt_lang)
        if self._data.split in aligned:
            return {split: partial(self._aligned, *files) for split, files in aligned.items()}
        try:
            tables = hub.find_splits(name, self._data.subset, (self.src_lang, self.tgt_lang))
        except InputError:
            if languages := hub.aligned_languages(Path(name)):
                raise InputError(
                    f"{name}: has aligned files in {', '.join(languages)}; choose two with --src-lang and --tgt-lang"
                ) from None
            raise
        return {split: partial(self._split, f"{name} ({split})", files) for split, files in tables.items()}

    def _split(self, name: str, split: hub.Split) -> Bitext:
        parts = tuple(self._table(path, split.layout) for path in split.fetch(self._downloads))
        return parts[0] if len(parts) == 1 else Chain(name, parts)

    def _table(self, path: Path, layout: Layout = INFERRED) -> TablePairs:
        hints = ColumnHints(self.src_lang, self.tgt_lang, self._data.src_column, self._data.tgt_column)
        if self._data.encoding:
            layout = replace(layout, encoding=self._data.encoding)
        table = open_table(
            path, lambda cells, is_csv: is_header(cells, hints, usual=is_csv), layout, self._data.invalid_lines
        )
        src, tgt = choose_columns(table, hints)
        self._note_layout(table, src, tgt)
        self._infer_languages(language_of(column_name(src)), language_of(column_name(tgt)), str(path))
        if self._is_possible(direction := direction_of_file(path.name, (self.src_lang, self.tgt_lang))):
            self._infer_languages(*direction, str(path))
        return TablePairs(table, src, tgt)

    def _note_layout(self, table: Table, src: Column, tgt: Column) -> None:
        """Report how a table was understood, once for tables alike."""
        if isinstance(table, Delimited) and table.keeps_quotes:
            self.notes.append(f"{table}: quotes around cells are part of the text; in a CSV they would not be")
        if (table.form, src, tgt) in self._noted:
            return
        self._noted.add((table.form, src, tgt))
        first = first_cells(table, src, tgt)
        shown = f"; first pair: {first}" if first else ""
        columns = f"source in column {column_name(src)}, target in column {column_name(tgt)}"
        self.notes.append(f"{table}: {table.form}; {columns}{shown}")

    def _is_possible(self, direction: Direction) -> bool:
        """Whether a direction agrees with the languages that are known."""
        known = zip((self.src_lang, self.tgt_lang), direction, strict=True)
        return all(not given or language_code(given) == language_code(inferred) for given, inferred in known)

    def _infer_languages(self, src: str, tgt: str, where: str) -> None:
        src, tgt = self.src_lang or src, self.tgt_lang or tgt
        if not self.infers_languages:
            return
        if src and tgt and src != tgt:
            self.infers_languages = False
            self.src_lang, self.tgt_lang = src, tgt
            self.notes.append(f"{where}: languages inferred as {src} to {tgt}")
        elif bool(src) != bool(tgt):
            self._one_language = self._one_language or (src, tgt)

    @property
    def languages(self) -> tuple[str, str]:
        """The languages that are known or inferred; only one if a source, such as a PO file, tells no more."""
        return (self.src_lang, self.tgt_lang) if any((self.src_lang, self.tgt_lang)) else self._one_language or ("", "")


def _first_of(names: Sequence[str], splits: Mapping[str, Callable[[], Bitext]], dataset: str) -> Bitext | None:
    """The first of these splits that exists; it is opened when it is read."""
    return next((LazyBitext(f"{dataset} ({name})", splits[name]) for name in names if name in splits), None)
