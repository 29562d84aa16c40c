"""Datasets in the usual layouts of the hub, from a local folder, without a network; mixtures; what is inferred."""

import gzip
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import datasets
import pyarrow
import pytest
from datasets.data_files import DataFilesDict, DataFilesList
from datasets.packaged_modules.parquet.parquet import ParquetConfig
from pyarrow import parquet

from seq2seq.config import DataConfig
from seq2seq.data.sources import Sources, open_sources
from seq2seq.errors import InputError

TRAIN = [(f"habari {n}", f"hello {n}") for n in range(12)]
VALID = [(f"asubuhi {n}", f"morning {n}") for n in range(3)]
TEST = [(f"jioni {n}", f"evening {n}") for n in range(2)]
Rows = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was accessed")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def put_parquet(path: Path, rows: Rows, nested: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = [{"en": tgt, "sw": src} for src, tgt in rows]
    columns = {"translation": objects} if nested else {"sw": [s for s, _ in rows], "en": [t for _, t in rows]}
    parquet.write_table(pyarrow.table({"id": [str(n) for n in range(len(rows))], **columns}), path)


def put_jsonl(path: Path, rows: Rows, nested: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = [{"sw": src, "en": tgt} for src, tgt in rows]
    path.write_text("".join(json.dumps({"translation": row} if nested else row) + "\n" for row in objects))


def put_text(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def put_table(path: Path, rows: Rows, delimiter: str, header: str = "source target") -> None:
    put_text(path, [delimiter.join(row) for row in [header.split(), *rows]])


def sharded_parquet(folder: Path) -> None:
    for shard in range(3):
        put_parquet(folder / "data" / f"train-{shard:05}-of-00003.parquet", TRAIN[4 * shard : 4 * shard + 4])
    put_parquet(folder / "data" / "validation-00000-of-00001.parquet", VALID)
    put_parquet(folder / "data" / "test-00000-of-00001.parquet", TEST)


def flat_jsonl(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("val", VALID), ("test", TEST)):
        put_jsonl(folder / f"{name}.jsonl", rows)


def nested_json(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("dev", VALID), ("test", TEST)):
        put_jsonl(folder / f"{name}.json", rows, nested=True)


def csv_files(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST)):
        put_table(folder / f"{name}.csv", rows, ",")


def tsv_files(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST)):
        put_table(folder / f"{name}.tsv", rows, "\t", header="sw en")


def split_folders(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST)):
        put_parquet(folder / name / "0000.parquet", rows, nested=False)


def semicolons(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST)):
        put_table(folder / f"{name}.csv", rows, ";")


def readme_with_a_delimiter(folder: Path) -> None:
    for name, rows in (("a", TRAIN), ("b", VALID), ("c", TEST)):
        put_table(folder / f"{name}.csv", rows, ";")
    put_text(
        folder / "README.md",
        ["---", "configs:", "- config_name: default", "  sep: ';'", "  data_files:"]
        + [f"  - split: {s}\n    path: {f}.csv" for s, f in (("train", "a"), ("validation", "b"), ("test", "c"))]
        + ["---", "# Pairs"],
    )


def several_subsets(folder: Path) -> None:
    put_parquet(folder / "de-en" / "train-00000-of-00001.parquet", [("x", "y")])
    for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST)):
        put_parquet(folder / "en-sw" / f"{name}-00000-of-00001.parquet", rows)
    put_text(
        folder / "README.md",
        ["---", "configs:"]
        + [
            f"- config_name: {pair}\n  data_files:\n  - split: train\n    path: {pair}/train-*"
            + "".join(f"\n  - split: {s}\n    path: {pair}/{s}-*" for s in ("validation", "test") if pair == "en-sw")
            for pair in ("de-en", "en-sw")
        ]
        + ["---"],
    )


def saved_to_disk(folder: Path) -> None:
    splits = {
        name: datasets.Dataset.from_dict({"sw": [src for src, _ in rows], "en": [tgt for _, tgt in rows]})
        for name, rows in (("train", TRAIN), ("validation", VALID), ("test", TEST))
    }
    datasets.DatasetDict(splits).save_to_disk(folder)


def aligned_text(folder: Path) -> None:
    for name, rows in (("train", TRAIN), ("dev", VALID)):
        put_text(folder / f"{name}.sw", [src for src, _ in rows])
        put_text(folder / f"{name}.en", [tgt for _, tgt in rows])


LAYOUTS: list[Callable[[Path], None]] = [
    sharded_parquet,
    flat_jsonl,
    nested_json,
    csv_files,
    tsv_files,
    split_folders,
    semicolons,
    readme_with_a_delimiter,
    several_subsets,
    saved_to_disk,
    aligned_text,
]


def open_dataset(folder: Path, **changes: object) -> Sources:
    settings = {"dataset": str(folder), "src_lang": "sw", "tgt_lang": "en", **changes}
    return open_sources(DataConfig.model_validate(settings), folder.parent / "downloads")


def rows_of(pairs: object) -> Rows:
    return [(pair.src, pair.tgt) for pair in pairs]  # type: ignore[attr-defined]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_data_set_in_each_usual_layout(layout: Callable[[Path], None], tmp_path: Path) -> None:
    layout(tmp_path / "set")
    sources = open_dataset(tmp_path / "set")
    assert rows_of(sources.train[0].pairs) == TRAIN
    assert rows_of(sources.train[0].pairs) == TRAIN
    assert rows_of(sources.valid) == VALID
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert (sources.test is not None) == (layout is not aligned_text)
    if sources.test:
        assert rows_of(sources.test) == TEST


@pytest.mark.parametrize("layout", [sharded_parquet, flat_jsonl, nested_json], ids=lambda layout: layout.__name__)
def test_languages_are_inferred_from_the_columns_and_reported(layout: Callable[[Path], None], tmp_path: Path) -> None:
    layout(tmp_path / "set")
    sources = open_dataset(tmp_path / "set", src_lang="", tgt_lang="")
    languages = ("en", "sw") if layout is sharded_parquet else ("sw", "en")
    assert (sources.src_lang, sources.tgt_lang) == languages
    assert any(f"languages inferred as {languages[0]} to {languages[1]}" in note for note in sources.notes)
    assert rows_of(sources.train[0].pairs)[0] == (TRAIN[0] if languages[0] == "sw" else TRAIN[0][::-1])


def test_training_uses_the_split_that_was_requested(tmp_path: Path) -> None:
    sharded_parquet(tmp_path / "set")
    sources = open_dataset(tmp_path / "set", split="validation")
    assert rows_of(sources.train[0].pairs) == VALID
    assert sources.valid is None


def test_given_validation_data_overrides_the_validation_split(tmp_path: Path) -> None:
    sharded_parquet(tmp_path / "set")
    put_table(tmp_path / "mine.tsv", [("mimi", "me")], "\t", header="sw en")
    assert rows_of(open_dataset(tmp_path / "set", valid=str(tmp_path / "mine.tsv")).valid) == [("mimi", "me")]


@pytest.mark.parametrize(
    ("layout", "changes", "message"),
    [
        (several_subsets, {"src_lang": "", "tgt_lang": ""}, "has several subsets; choose with --subset: de-en, en-sw"),
        (several_subsets, {"subset": "en-fr"}, "no subset en-fr; choose with --subset: de-en, en-sw"),
        (sharded_parquet, {"split": "train_full"}, "no split train_full; choose with --split: train, validation, test"),
        (lambda folder: put_text(folder / "notes.xyz", ["a"]), {}, "No (supported) data files found"),
        (lambda folder: put_text(folder / "train.txt", ["a"]), {}, "a dataset of type text"),
        (lambda folder: put_table(folder / "train.csv", TRAIN, ",", "a b"), {}, None),
        (lambda folder: put_text(folder / "train.csv", ["a,b,c", "1,2,3"]), {}, "which columns are the sentences?"),
        (lambda folder: put_text(folder / "set.py", ["raise SystemExit('code of a dataset was run')"]), {}, "set"),
    ],
)
def test_unusable_data_set_is_a_one_line_error(
    layout: Callable[[Path], None], changes: dict[str, object], message: str | None, tmp_path: Path
) -> None:
    layout(tmp_path / "set")
    if message is None:
        assert rows_of(open_dataset(tmp_path / "set", **changes).train[0].pairs) == TRAIN
        return
    with pytest.raises(InputError, match=re.escape(message)) as error:
        open_dataset(tmp_path / "set", **changes)
    assert str(tmp_path / "set") in str(error.value)


def test_unknown_data_set_is_a_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"--dataset nobody/nothing: .*\(and there is no such local folder\)"):
        open_dataset(Path("nobody/nothing"))


def test_hub_files_are_downloaded_next_to_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder stands in for the hub: the calls to its libraries, and that the downloaded files are read."""
    put_parquet(tmp_path / "hub" / "train.parquet", TRAIN)
    url = "hf://datasets/someone/pairs@0123abcd/train.parquet"

    class Parquet:
        config = ParquetConfig(data_files=DataFilesDict({"train": DataFilesList([url], [])}))

    class Builder(Parquet):
        pass

    def fetch(repo: str, path: str, *, repo_type: str, revision: str, cache_dir: Path) -> str:
        assert (repo, repo_type, revision) == ("someone/pairs", "dataset", "0123abcd")
        assert cache_dir == tmp_path / "downloads"
        return str(tmp_path / "hub" / path)

    def resolve(_: object, requested: str) -> SimpleNamespace:
        assert requested == url
        return SimpleNamespace(
            repo_id="someone/pairs", path_in_repo="train.parquet", repo_type="dataset", revision="0123abcd"
        )

    monkeypatch.setattr("datasets.get_dataset_config_names", lambda _: ["default"])
    monkeypatch.setattr("datasets.load_dataset_builder", lambda *_, **__: Builder())
    monkeypatch.setattr("huggingface_hub.HfFileSystem.resolve_path", resolve)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    data = DataConfig(dataset=("someone/pairs",), src_lang="sw", tgt_lang="en")
    assert rows_of(open_sources(data, tmp_path / "downloads").train[0].pairs) == TRAIN


def test_a_mixture_keeps_its_order_and_weights(tmp_path: Path) -> None:
    sharded_parquet(tmp_path / "set")
    put_table(tmp_path / "pairs.tsv", VALID, "\t", header="sw en")
    put_text(tmp_path / "a.sw", ["moja"])
    put_text(tmp_path / "a.en", ["one"])
    sources = open_dataset(
        tmp_path / "set",
        train=[str(tmp_path / "pairs.tsv")],
        train_src=str(tmp_path / "a.sw"),
        train_tgt=str(tmp_path / "a.en"),
        weights=[5, 1, 0.5],
    )
    assert [(len(rows_of(source.pairs)), source.weight) for source in sources.train] == [(1, 5), (3, 1), (12, 0.5)]


@pytest.mark.parametrize(
    ("src", "tgt", "expected"),
    [
        ("train.de", "train.en", ("de", "en")),
        ("train.swh_Latn", "train.eng_Latn", ("swh_Latn", "eng_Latn")),
        ("src.txt", "tgt.txt", ("", "")),
        ("train.src", "train.tgt", ("", "")),
        ("train.en", "more.en", ("", "")),
    ],
)
def test_languages_are_inferred_from_file_names(src: str, tgt: str, expected: tuple[str, str], tmp_path: Path) -> None:
    put_text(tmp_path / src, ["a"])
    put_text(tmp_path / tgt, ["b"])
    sources = open_sources(
        DataConfig(train_src=(str(tmp_path / src),), train_tgt=(str(tmp_path / tgt),)), tmp_path / "downloads"
    )
    assert (sources.src_lang, sources.tgt_lang) == expected
    assert bool(sources.notes) == (expected != ("", ""))


def test_language_codes_are_a_header_in_a_csv_but_may_be_a_pair_in_a_tsv(tmp_path: Path) -> None:
    for name, delimiter in (("pairs.csv", ";"), ("pairs.tsv", "\t")):
        put_text(tmp_path / name, [f"sw{delimiter}en", f"habari{delimiter}hello"])
    csv_pairs, tsv_pairs = (
        open_sources(DataConfig(train=(str(tmp_path / name),)), tmp_path) for name in ("pairs.csv", "pairs.tsv")
    )
    assert rows_of(csv_pairs.train[0].pairs) == [("habari", "hello")]
    assert (csv_pairs.src_lang, csv_pairs.tgt_lang) == ("sw", "en")
    assert rows_of(tsv_pairs.train[0].pairs) == [("sw", "en"), ("habari", "hello")]


@pytest.mark.parametrize("name", ["pairs.csv", "PAIRS.CSV", "pairs.csv.gz"])
def test_csv_suffix_is_case_insensitive(name: str, tmp_path: Path) -> None:
    content = b'sw;en\n"habari; yako";hello\n'
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    sources = open_sources(DataConfig(train=(str(tmp_path / name),)), tmp_path)
    assert rows_of(sources.train[0].pairs) == [("habari; yako", "hello")]
    assert (sources.src_lang, sources.tgt_lang) == ("sw", "en")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pairs.csv", "fr,en\nbonjour,hello\n"),
        ("pairs.tsv", "fr\ten\nbonjour\thello\n"),
        ("pairs.jsonl", '{"id": "1", "translation": {"fr": "bonjour", "en": "hello"}}\n'),
        ("pairs.jsonl", '{"text_fr": "bonjour", "text_en": "hello"}\n'),
    ],
)
@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"src_lang": "en"}, ("hello", "bonjour")),
        ({"tgt_lang": "fr"}, ("hello", "bonjour")),
        ({"src_lang": "fr"}, ("bonjour", "hello")),
        ({"tgt_lang": "en"}, ("bonjour", "hello")),
    ],
)
def test_one_given_language_determines_the_direction_and_the_other_language(
    name: str, content: str, known: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    sources = open_sources(DataConfig.model_validate({"train": str(tmp_path / name), **known}), tmp_path)
    assert rows_of(sources.train[0].pairs) == [expected]
    if "text_" not in content:
        assert (sources.src_lang, sources.tgt_lang) == (("en", "fr") if expected[0] == "hello" else ("fr", "en"))


def test_one_language_of_aligned_files_is_enough(tmp_path: Path) -> None:
    put_text(tmp_path / "train.fr", ["a"])
    put_text(tmp_path / "train.en", ["b"])
    data = DataConfig(train_src=(str(tmp_path / "train.fr"),), train_tgt=(str(tmp_path / "train.en"),), tgt_lang="en")
    sources = open_sources(data, tmp_path)
    assert (sources.src_lang, sources.tgt_lang) == ("fr", "en")


@pytest.mark.parametrize(("line", "is_reported"), [('"habari"\thello', True), ('say "yes"\thello', False)])
def test_quoted_cells_in_a_tsv_are_reported(line: str, is_reported: bool, tmp_path: Path) -> None:
    put_text(tmp_path / "pairs.tsv", ["a\tb", line])
    sources = open_sources(DataConfig(train=(str(tmp_path / "pairs.tsv"),)), tmp_path)
    assert rows_of(sources.train[0].pairs) == [("a", "b"), tuple(line.split("\t"))]
    assert any("quotes around cells are part of the text" in note for note in sources.notes) is is_reported


def test_a_csv_without_a_header_is_reported(tmp_path: Path) -> None:
    put_text(tmp_path / "pairs.csv", ["habari,hello"])
    sources = open_sources(DataConfig(train=(str(tmp_path / "pairs.csv"),)), tmp_path)
    assert rows_of(sources.train[0].pairs) == [("habari", "hello")]
    assert "separated by commas, no header recognised; source in column 1, target in column 2; " in sources.notes[0]
    assert sources.notes[0].endswith("first pair: habari → hello")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, ("fr", "en")),
        ({"src_lang": "fra"}, ("fra", "en")),
        ({"src_lang": "sw"}, ("sw", "")),
        ({"src_lang": "en"}, ("en", "")),
    ],
)
def test_the_name_of_a_table_without_a_header_tells_its_direction(
    known: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    put_text(tmp_path / "news.fr-en.tsv", ["bonjour\thello"])
    data = DataConfig.model_validate({"train": str(tmp_path / "news.fr-en.tsv"), **known})
    sources = open_sources(data, tmp_path)
    assert rows_of(sources.train[0].pairs) == [("bonjour", "hello")]
    assert (sources.src_lang, sources.tgt_lang) == expected


@pytest.mark.parametrize("languages", [{}, {"src_lang": "sw", "tgt_lang": "de"}])
def test_the_languages_of_aligned_files_are_named(languages: dict[str, str], tmp_path: Path) -> None:
    aligned_text(tmp_path)
    with pytest.raises(InputError, match=r"has aligned files in en, sw; choose two with --src-lang and --tgt-lang"):
        open_sources(DataConfig.model_validate({"dataset": str(tmp_path), **languages}), tmp_path)
