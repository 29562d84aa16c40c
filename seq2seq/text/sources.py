"""From the data section of a configuration to bitexts: which files there are, and which columns hold the sentences."""

from dataclasses import dataclass
from pathlib import Path

from seq2seq.config import DataConfig
from seq2seq.errors import InputError
from seq2seq.text import hub
from seq2seq.text.bitext import AlignedFiles, Bitext, Chain, TablePairs
from seq2seq.text.columns import Wanted, choose_columns, is_header, language_of
from seq2seq.text.tables import Delimited, open_table

DOWNLOADS = ".downloads"
"""Folder beside the runs for what is fetched from a hub."""

_NO_LANGUAGE = {"txt", "src", "tgt", "trg", "tok", "raw"}


@dataclass(frozen=True)
class Source:
    """Training pairs, and how often an epoch shows them."""

    pairs: Bitext
    weight: float = 1.0


@dataclass(frozen=True)
class Sources:
    """All bitexts of a training."""

    train: tuple[Source, ...]
    valid: Bitext | None
    test: Bitext | None
    """Of a data set, only to see whether training pairs are in it."""
    src_lang: str
    tgt_lang: str
    notes: tuple[str, ...]
    """What was guessed, for a person to check."""


def open_sources(data: DataConfig, downloads: Path) -> Sources:
    """Find the bitexts that `data` names; what has to be fetched from the hub goes to `downloads`.

    Raises InputError where there is none, or one cannot be opened or understood.
    """
    finder = _Finder(data, downloads)
    train = [
        *(finder.aligned(src, tgt) for src, tgt in zip(data.train_src, data.train_tgt, strict=True)),
        *(finder.table(name) for name in data.train),
        *(finder.dataset(name) for name in data.dataset),
    ]
    if not train:
        raise InputError("no training data: give --train-src and --train-tgt, or --train FILE, or --dataset")
    finder.learns_languages = False
    valid = finder.valid
    if data.valid:
        valid = finder.table(data.valid)
    elif data.valid_src and data.valid_tgt:
        valid = finder.aligned(data.valid_src, data.valid_tgt)
    weights = data.weights or (1.0,) * len(train)
    sources = tuple(Source(pairs, weight) for pairs, weight in zip(train, weights, strict=True))
    return Sources(sources, valid, finder.test, finder.src_lang, finder.tgt_lang, tuple(finder.notes))


class _Finder:
    """Opens sources one after another and gathers what is learnt on the way."""

    def __init__(self, data: DataConfig, downloads: Path) -> None:
        self._data, self._downloads = data, downloads
        self.src_lang, self.tgt_lang = data.src_lang, data.tgt_lang
        self.learns_languages = not (data.src_lang or data.tgt_lang)
        self.valid: Bitext | None = None
        self.test: Bitext | None = None
        self.notes: list[str] = []
        self._noted: set[tuple[str, str]] = set()

    def aligned(self, src: str, tgt: str) -> Bitext:
        for name in (src, tgt):
            _expect_file(name)
        self._learn_languages(_file_language(src), _file_language(tgt), f"{src} and {tgt}")
        return AlignedFiles(Path(src), Path(tgt))

    def table(self, name: str) -> TablePairs:
        _expect_file(name)
        return self._table(Path(name))

    def dataset(self, name: str) -> Bitext:
        if Path(name).is_file():
            raise InputError(f"--dataset {name}: is a file, not a data set; a table is given with --train or --input")
        data, languages = self._data, (self.src_lang, self.tgt_lang)
        if files := hub.aligned_files(Path(name), data.split, *languages):
            for split in hub.VALIDATION_NAMES:
                if self.valid is None and (held := hub.aligned_files(Path(name), split, *languages)):
                    self.valid = AlignedFiles(*held)
            return AlignedFiles(*files)
        splits = hub.find_splits(name, data.subset, languages, self._downloads)
        if data.split not in splits:
            raise InputError(f"{name}: no split {data.split}; choose with --split: {', '.join(splits)}")
        train = self._split(name, data.split, splits)
        for split in set(splits) - {data.split}:
            if split in hub.VALIDATION_NAMES and self.valid is None:
                self.valid = self._split(name, split, splits)
            elif split in hub.TEST_NAMES and self.test is None:
                self.test = self._split(name, split, splits)
        return train

    def _split(self, name: str, split: str, splits: dict[str, hub.Split]) -> Bitext:
        parts = tuple(self._table(path, splits[split].delimiter, header=True) for path in splits[split].files)
        return parts[0] if len(parts) == 1 else Chain(f"{name} ({split})", parts)

    def _table(self, path: Path, delimiter: str | None = None, header: bool | None = None) -> TablePairs:
        data = self._data
        wanted = Wanted(self.src_lang, self.tgt_lang, data.src_column, data.tgt_column)
        pairs = _table_pairs(path, wanted, delimiter, header)
        self._note_columns(pairs, path)
        self._learn_languages(language_of(pairs.src_column), language_of(pairs.tgt_column), str(path))
        return pairs

    def _note_columns(self, pairs: TablePairs, path: Path) -> None:
        table = pairs.table
        if isinstance(table, Delimited) and not table.has_header:
            if ".csv" in path.suffixes:
                self.notes.append(f"{path}: no header was recognised, so the first line counts as a pair")
        elif not self._data.src_column and (columns := (pairs.src_column, pairs.tgt_column)) not in self._noted:
            self._noted.add(columns)
            self.notes.append(f"{path}: source in column {pairs.src_column}, target in column {pairs.tgt_column}")

    def _learn_languages(self, src: str, tgt: str, where: str) -> None:
        if src and tgt and src != tgt and self.learns_languages:
            self.learns_languages = False
            self.src_lang, self.tgt_lang = src, tgt
            self.notes.append(f"{where}: taken to be {src} and {tgt}")


def _table_pairs(path: Path, wanted: Wanted, delimiter: str | None = None, header: bool | None = None) -> TablePairs:
    def names_columns(cells: list[str]) -> bool:
        return is_header(cells, wanted, usual=".csv" in path.suffixes) if header is None else header

    table = open_table(path, names_columns, delimiter)
    return TablePairs(table, *choose_columns(table, wanted))


def _file_language(name: str) -> str:
    code = language_of(Path(name).name.removesuffix(".gz").removesuffix(".zst"))
    return "" if code in _NO_LANGUAGE else code


def _expect_file(name: str) -> None:
    if name == "-" or Path(name).is_fifo():
        raise InputError(f"{name}: training data is read several times, from files; save it to a file first")
