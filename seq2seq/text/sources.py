"""From the data section of a configuration to bitexts: which files there are, and which columns hold the sentences."""

from collections.abc import Sequence
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
    finder.close_languages()
    valid, test = finder.held_out(data.valid is None and data.valid_src is None) if data.dataset else (None, None)
    if data.valid:
        valid = finder.table(data.valid)
    elif data.valid_src and data.valid_tgt:
        valid = finder.aligned(data.valid_src, data.valid_tgt)
    weights = data.weights or (1.0,) * len(train)
    sources = tuple(Source(pairs, weight) for pairs, weight in zip(train, weights, strict=True))
    return Sources(sources, valid, test, finder.src_lang, finder.tgt_lang, tuple(finder.notes))


def open_pairs(data: DataConfig, downloads: Path) -> tuple[Bitext, tuple[str, ...]]:
    """The pairs of the one table or split that `data` names as training data, and what was guessed about them.

    Raises InputError as `open_sources` does. No other split is looked at.
    """
    finder = _Finder(data, downloads)
    pairs = finder.table(data.train[0]) if data.train else finder.dataset(data.dataset[0])
    return pairs, tuple(finder.notes)


class _Finder:
    """Opens sources one after another and gathers what is learnt on the way."""

    def __init__(self, data: DataConfig, downloads: Path) -> None:
        self._data, self._downloads = data, downloads
        self.src_lang, self.tgt_lang = data.src_lang, data.tgt_lang
        self._learns_languages = not (data.src_lang and data.tgt_lang)
        self.notes: list[str] = []
        self._noted: set[tuple[str, str]] = set()
        self._found: dict[str, dict[str, hub.Split]] = {}

    def close_languages(self) -> None:
        """Learn no more: what comes is to be in the languages that are known."""
        self._learns_languages = False

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
        pairs = self._split(name, self._data.split)
        if pairs is None:
            listed = ", ".join(self._splits(name))
            raise InputError(f"{name}: no split {self._data.split}; choose with --split: {listed}")
        return pairs

    def held_out(self, wants_valid: bool) -> tuple[Bitext | None, Bitext | None]:
        """The validation and the test split of the data sets, where there are any; the first ones found."""
        valid = self._first_split(hub.VALIDATION_NAMES) if wants_valid else None
        try:
            return valid, self._first_split(hub.TEST_NAMES)
        except InputError as error:
            # It is only looked for among the training pairs.
            self.notes.append(f"the test split is left aside: {error}")
            return valid, None

    def _first_split(self, names: Sequence[str]) -> Bitext | None:
        choices = ((name, split) for name in self._data.dataset for split in names if split != self._data.split)
        return next((pairs for name, split in choices if (pairs := self._split(name, split)) is not None), None)

    def _split(self, name: str, split: str) -> Bitext | None:
        if files := hub.aligned_files(Path(name), split, self.src_lang, self.tgt_lang):
            return AlignedFiles(*files)
        if split not in self._splits(name):
            return None
        form = self._splits(name)[split]
        parts = tuple(self._table(hub.fetch(url, self._downloads), form) for url in form.urls)
        return parts[0] if len(parts) == 1 else Chain(f"{name} ({split})", parts)

    def _splits(self, name: str) -> dict[str, hub.Split]:
        """The splits of a data set that is no folder of aligned files."""
        if name not in self._found:
            languages = (self.src_lang, self.tgt_lang)
            if hub.aligned_files(Path(name), self._data.split, *languages):
                self._found[name] = {}
            else:
                self._found[name] = hub.find_splits(name, self._data.subset, languages)
        return self._found[name]

    def _table(self, path: Path, form: hub.Split | None = None) -> TablePairs:
        data = self._data
        wanted = Wanted(self.src_lang, self.tgt_lang, data.src_column, data.tgt_column)
        pairs = _table_pairs(path, wanted, form)
        self._note_columns(pairs, path)
        self._learn_languages(language_of(pairs.src_column), language_of(pairs.tgt_column), str(path))
        return pairs

    def _note_columns(self, pairs: TablePairs, path: Path) -> None:
        table = pairs.table
        if isinstance(table, Delimited) and not table.has_header:
            if table.quoted:
                self.notes.append(f"{path}: no header was recognised, so the first line counts as a pair")
        elif not self._data.src_column and (columns := (pairs.src_column, pairs.tgt_column)) not in self._noted:
            self._noted.add(columns)
            self.notes.append(f"{path}: source in column {pairs.src_column}, target in column {pairs.tgt_column}")

    def _learn_languages(self, src: str, tgt: str, where: str) -> None:
        fits = self.src_lang in ("", src) and self.tgt_lang in ("", tgt)
        if src and tgt and src != tgt and fits and self._learns_languages:
            self.close_languages()
            self.src_lang, self.tgt_lang = src, tgt
            self.notes.append(f"{where}: taken to be {src} and {tgt}")


def _table_pairs(path: Path, wanted: Wanted, form: hub.Split | None) -> TablePairs:
    """form: how a data set says that its tables are written."""

    def names_columns(cells: list[str], quoted: bool) -> bool:
        return form.has_header if form else is_header(cells, wanted, usual=quoted)

    if form:
        table = open_table(path, names_columns, form.delimiter, form.names, always_quoted=True)
    else:
        table = open_table(path, names_columns)
    return TablePairs(table, *choose_columns(table, wanted))


def _file_language(name: str) -> str:
    code = language_of(Path(name).name.removesuffix(".gz").removesuffix(".zst"))
    return "" if code in _NO_LANGUAGE else code


def _expect_file(name: str) -> None:
    if name == "-" or Path(name).is_fifo():
        raise InputError(f"{name}: training data is read several times, from files; save it to a file first")
