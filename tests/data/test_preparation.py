"""Training sees the same pairs in every format; the report's figures match plain counting."""

import csv
import gzip
import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pyarrow
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from workbooks import write_ods, write_xls, write_xlsx

from seq2seq.config import Config, DataConfig, TokenizerConfig
from seq2seq.data.bitext import Pair, TablePairs
from seq2seq.data.preparation import load_data, prepare_data, report_data
from seq2seq.data.report import DataReport
from seq2seq.data.sources import open_sources
from seq2seq.data.spool import PairSpool
from seq2seq.errors import InputError
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import Tokenizers
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

Rows = list[tuple[str, str]]
SENTENCE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=10)


@pytest.fixture
def rows(bitext: tuple[Path, Path]) -> Rows:
    src, tgt = (path.read_text().splitlines() for path in bitext)
    return list(zip(src, tgt, strict=True))


def write_compressed(path: Path, text: str) -> None:
    data = text.encode()
    path.write_bytes(
        gzip.compress(data) if path.suffix == ".gz" else zstandard.compress(data) if path.suffix == ".zst" else data
    )


def aligned(ending: str) -> Callable[[Path, Rows], dict[str, object]]:
    def write(folder: Path, rows: Rows) -> dict[str, object]:
        for side, name in enumerate(("fr", "en")):
            write_compressed(folder / f"a.{name}{ending}", "".join(f"{row[side]}\n" for row in rows))
        return {"data__train_src": str(folder / f"a.fr{ending}"), "data__train_tgt": str(folder / f"a.en{ending}")}

    return write


def table(name: str, header: bool = True) -> Callable[[Path, Rows], dict[str, object]]:
    def write(folder: Path, rows: Rows) -> dict[str, object]:
        path = folder / name
        objects = [{"fr": src, "en": tgt} for src, tgt in rows]
        if ".tsv" in name:
            write_compressed(path, "".join(f"{src}\t{tgt}\n" for src, tgt in ([("fr", "en")] if header else []) + rows))
        elif ".csv" in name:
            with open(path, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("fr", "en"), *rows])
        elif ".jsonl" in name:
            write_compressed(path, "".join(json.dumps(row) + "\n" for row in objects))
        elif ".json" in name:
            write_compressed(path, "".join(json.dumps({"translation": row}) + "\n" for row in objects))
        elif ".xlsx" in name:
            write_xlsx(path, {"Sheet": [("fr", "en"), *rows]})
        elif ".ods" in name:
            write_ods(path, [("fr", "en"), *rows])
        elif ".xls" in name:
            write_xls(path, [("fr", "en"), *rows])
        else:
            parquet.write_table(pyarrow.table({"translation": objects}), path)
        return {"data__train": str(path)}

    return write


def units(name: str, start: str, unit: str, end: str) -> Callable[[Path, Rows], dict[str, object]]:
    def write(folder: Path, rows: Rows) -> dict[str, object]:
        write_compressed(folder / name, start + "".join(unit.format(src, tgt) for src, tgt in rows) + end)
        return {"data__train": str(folder / name)}

    return write


TMX_UNIT = '<tu><tuv xml:lang="fr"><seg>{}</seg></tuv><tuv xml:lang="en"><seg>{}</seg></tuv></tu>'
XLIFF = '<xliff version="1.2"><file source-language="fr" target-language="en"><body>'
XLIFF_UNIT = "<trans-unit><source>{}</source><target>{}</target></trans-unit>"
PO = 'msgid ""\nmsgstr "Language: en\\n"\n'


def sgm(folder: Path, rows: Rows) -> dict[str, object]:
    for side, name in enumerate(("fr", "en")):
        segments = "".join(f"<seg>{row[side]}</seg>\n" for row in rows)
        (folder / f"a.sgm.{name}").write_text(f"<refset>\n<p>\n{segments}")
    return {"data__train_src": str(folder / "a.sgm.fr"), "data__train_tgt": str(folder / "a.sgm.en")}


def hub_folder(folder: Path, rows: Rows) -> dict[str, object]:
    (folder / "set" / "data").mkdir(parents=True)
    objects = [{"en": tgt, "fr": src} for src, tgt in rows]
    for shard in range(2):
        half = objects[shard * 100 : shard * 100 + 100]
        path = folder / "set" / "data" / f"train-{shard:05}-of-00002.parquet"
        parquet.write_table(pyarrow.table({"translation": half}), path)
    return {"data__dataset": str(folder / "set")}


def two_sources(folder: Path, rows: Rows) -> dict[str, object]:
    first, second = table("one.jsonl")(folder, rows[:70]), table("two.tsv")(folder, rows[70:])
    return {"data__train": [first["data__train"], second["data__train"]]}


FORMATS = [
    aligned(""),
    aligned(".gz"),
    aligned(".zst"),
    table("pairs.tsv"),
    table("bare.tsv", header=False),
    table("pairs.tsv.zst"),
    table("pairs.csv"),
    table("pairs.jsonl"),
    table("pairs.jsonl.gz"),
    table("pairs.json"),
    table("pairs.parquet"),
    table("pairs.xlsx"),
    table("pairs.ods"),
    table("pairs.xls"),
    units("memory.tmx.gz", '<tmx><header srclang="fr"/><body>', TMX_UNIT, "</body></tmx>"),
    units("strings.xlf", XLIFF, XLIFF_UNIT, "</body></file></xliff>"),
    units("strings.po", PO, '\nmsgid "{}"\nmsgstr "{}"\n', ""),
    sgm,
    hub_folder,
    two_sources,
]


def trained_bytes(config: Config, folder: Path) -> dict[str, str]:
    train(config, folder, resume=False, overwrite=False, progress=Progress(quiet=True))
    files = [*folder.glob("steps/*/*.safetensors"), *folder.glob("steps/*/*.model"), *folder.glob("data/*/*.ids")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def expected(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return trained_bytes(tiny(training__max_steps=3), tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_every_format_trains_to_the_same_bytes(
    number: int, rows: Rows, expected: dict[str, str], tiny: Callable[..., Config], tmp_path: Path
) -> None:
    data = {"data__train_src": (), "data__train_tgt": (), **FORMATS[number](tmp_path, rows)}
    config = tiny(training__max_steps=3, data__src_lang="fr", data__tgt_lang="en", **data)
    assert len(expected) > 5
    assert trained_bytes(config, tmp_path / "run") == expected


def report_of(config: Config, folder: Path) -> DataReport:
    sources = open_sources(config.data, folder / "downloads")
    return prepare_data(config.data, config.tokenizer, sources, folder / "data")


def test_some_training_pairs_get_symbols(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what training reads; the report is that of the pairs as they are."""
    config = tiny()
    sources = open_sources(config.data, tmp_path / "downloads")
    # The ids of the symbols are those of bytes that the pairs do not have.
    monkeypatch.setattr(Tokenizers, "has_symbols", True)
    report = prepare_data(config.data, config.tokenizer, sources, tmp_path / "data")
    data = load_data(tmp_path / "data", config.data, config.tokenizer)
    with_symbols = [number for number in range(len(data.train)) if np.isin(data.train.src[number], SYMBOLS).any()]
    assert 3 < len(with_symbols) < 0.2 * len(data.train)
    assert not any(np.isin(data.valid.src[number], SYMBOLS).any() for number in range(len(data.valid)))
    reported = report_data(config.data, config.tokenizer, sources, tmp_path / "report")
    assert reported.as_json() == report.as_json()
    assert not np.isin(np.fromfile(tmp_path / "report" / "train" / "src.ids", "<i4"), SYMBOLS).any()


@pytest.fixture
def unusual_rows(rows: Rows, tmp_path: Path) -> Path:
    path = tmp_path / "odd.tsv"
    unusual = [("", "one"), ("un", "un"), rows[0], rows[1], ("deux", "two " * 30), ("un " * 200, "one " * 200)]
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in [*rows, *unusual]))
    return path


def test_cleaning_drops_the_pairs_it_counts(
    unusual_rows: Path, rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    data = {"data__train_src": (), "data__train_tgt": (), "data__train": str(unusual_rows)}
    report = report_of(
        tiny(**data, data__clean=["identical", "ratio", "duplicates"], tokenizer__symbols=False), tmp_path
    )
    (source,) = report.sources
    dropped = {finding.rule: finding.count for finding in source.findings if finding.left_out}
    assert dropped == {
        "empty": 1,
        "too_long": 1,
        "identical": 1 + sum(src == tgt for src, tgt in rows),
        "ratio": 1,
        "duplicates": len(rows) - len(set(rows)) + 2,
    }
    assert source.kept + source.held_out + sum(dropped.values()) == source.read
    corpus = load_data(tmp_path / "data", DataConfig(), TokenizerConfig())
    decode = corpus.tokenizers.src.decode
    texts = [decode(corpus.train.src[i].tolist()) for i in range(len(corpus.train))]
    pairs = list(zip(texts, (decode(corpus.train.tgt[i].tolist()) for i in range(len(corpus.train))), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_held_out_pairs_share_no_source_with_training(tiny: Callable[..., Config], tmp_path: Path) -> None:
    report = report_of(tiny(), tmp_path)
    assert report.overlaps[0].in_training == 0


def test_pairs_are_held_out_when_each_source_has_several_translations(
    tiny: Callable[..., Config], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"source {n}\ttarget {n} {version}\n" for n in range(15) for version in "ab"))
    report = report_of(tiny(data__train_src=(), data__train_tgt=(), data__train=str(path)), tmp_path)
    assert (report.valid.kept, report.pairs, report.overlaps[0].in_training) == (2, 28, 0)


def test_an_unreadable_validation_split_is_reported_before_pairs_are_read(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set").mkdir()
    table("set/train.jsonl")(tmp_path, rows)
    (tmp_path / "set" / "validation.jsonl").write_text('{"id": "0", "en": "one"}\n')
    monkeypatch.setattr("seq2seq.data.splits.survey", lambda *_: pytest.fail("the pairs were read"))
    config = tiny(data__train_src=(), data__train_tgt=(), data__dataset=str(tmp_path / "set"))
    with pytest.raises(InputError, match="which columns are the sentences"):
        report_of(config, tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"fr": "un", "en": null}\n', "which columns are the sentences? It has fr, none of them clearly en"),
        ('{"fr": "un", "en": "one"}\n{"fr": ', "line 2: not valid JSON"),
        ('{"id": "0", "en": "one"}\n', "which columns are the sentences? It has id, en"),
    ],
)
def test_an_unreadable_test_split_is_noted(
    content: str, reason: str, rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    lines = (json.dumps({"fr": src, "en": tgt}) + "\n" for src, tgt in rows)
    (tmp_path / "set" / "train.jsonl").write_text("".join(lines))
    (tmp_path / "set" / "test.jsonl").write_text(content)
    config = tiny(data__train_src=(), data__train_tgt=(), data__dataset=str(tmp_path / "set"))
    report = report_of(config, tmp_path)
    (note,) = [note for note in report.notes if "the test split is not compared with the training pairs" in note]
    assert reason in note
    assert [seen.name for seen in report.overlaps] == ["validation"]


def test_cleaning_that_drops_every_pair_is_a_one_line_error(tiny: Callable[..., Config], tmp_path: Path) -> None:
    path = tmp_path / "same.tsv"
    path.write_text("".join(f"word {n}\tword {n}\n" for n in range(50)))
    config = tiny(data__train_src=(), data__train_tgt=(), data__train=str(path), data__clean="identical")
    with pytest.raises(InputError, match="usable pairs: 0 of 50; training needs at least 10"):
        report_of(config, tmp_path)


@pytest.mark.parametrize("clean", [(), ("duplicates",)], ids=["uncleaned", "cleaned"])
def test_each_source_is_parsed_once(
    clean: tuple[str, ...], rows: Rows, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    original = TablePairs.__iter__

    def watch(pairs: TablePairs) -> Iterator[Pair]:
        parsed.append(pairs.table.path.name)
        yield from original(pairs)
        pairs.table.path.write_text("no longer\tof interest\n")

    monkeypatch.setattr(TablePairs, "__iter__", watch)
    (tmp_path / "set").mkdir()
    for split in ("train", "validation", "test"):
        table(f"set/{split}.jsonl")(tmp_path, rows)
    data = {"data__train": [str(tmp_path / "a.tsv"), str(tmp_path / "b.csv")], "data__dataset": str(tmp_path / "set")}
    for name in ("a.tsv", "b.csv"):
        table(name)(tmp_path, rows)
    config = tiny(
        data__train_src=(),
        data__train_tgt=(),
        data__clean=clean,
        tokenizer__joint=False,
        tokenizer__vocab_size=300,
        data__src_lang="fr",
        data__tgt_lang="en",
        **data,
    )
    report = report_of(config, tmp_path)
    assert [source.read for source in report.sources] == [len(rows)] * 3
    assert sorted(parsed) == sorted(["a.tsv", "b.csv", "train.jsonl", "validation.jsonl", "test.jsonl"])


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl", "set"])
def test_invalid_rows_are_skipped_and_counted(
    name: str, rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    files = [name] if name != "set" else ["set/train-1.tsv", "set/train-2.tsv"]
    for file in files:
        table(file)(tmp_path, rows)
        with open(tmp_path / file, "a") as stream:
            stream.write(
                '{"fr": "un"}\n{"fr"\n'
                if file.endswith("l")
                else "un\nun\tone\tdeux\n".replace("\t", "," if "csv" in file else "\t")
            )
    data = {"data__dataset" if name == "set" else "data__train": str(tmp_path / name), "data__src_lang": "fr"}
    config = tiny(data__train_src=(), data__train_tgt=(), data__tgt_lang="en", **data)
    with pytest.raises(InputError, match=r"line 20\d: .*; --invalid-lines skip leaves such rows out"):
        report_of(config, tmp_path)
    config = config.model_copy(update={"data": config.data.model_copy(update={"invalid_lines": "skip"})})
    (source,) = report_of(config, tmp_path).sources
    (finding,) = [finding for finding in source.findings if finding.rule == "invalid"]
    assert (finding.count, source.read) == (2 * len(files), (len(rows) + 2) * len(files))
    assert len(finding.lines) == min(3, finding.count)


def test_skipped_validation_rows_are_counted_and_limited(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    for name in ("train.tsv", "valid.tsv"):
        table(name)(tmp_path, rows)
    with open(tmp_path / "valid.tsv", "a") as stream:
        stream.write("un\n" * 3)
    data = {"data__train": str(tmp_path / "train.tsv"), "data__valid": str(tmp_path / "valid.tsv")}
    config = tiny(data__train_src=(), data__train_tgt=(), data__invalid_lines="skip", **data)
    valid = report_of(config, tmp_path).valid
    assert [(finding.rule, finding.count) for finding in valid.findings if finding.count] == [("invalid", 3)]
    with open(tmp_path / "valid.tsv", "a") as stream:
        stream.write("un\n" * 40)
    with pytest.raises(InputError, match=r"valid.tsv: 43 of 24. rows cannot be read"):
        report_of(config, tmp_path)


def test_more_than_a_tenth_of_invalid_rows_are_an_error(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    table("a.tsv", header=False)(tmp_path, rows)
    with open(tmp_path / "a.tsv", "a") as stream:
        stream.write("un\n" * 23)
    config = tiny(
        data__train_src=(), data__train_tgt=(), data__train=str(tmp_path / "a.tsv"), data__invalid_lines="skip"
    )
    with pytest.raises(
        InputError, match=r"a.tsv: 23 of 223 rows cannot be read, the first on line 201; .*max_invalid=0.11$"
    ):
        report_of(config, tmp_path)
    allowed = config.model_copy(update={"data": config.data.model_copy(update={"max_invalid": 0.11})})
    assert report_of(allowed, tmp_path).sources[0].kept


@pytest.mark.parametrize("name", ["aligned", "a.tsv", "a.csv"])
def test_damaged_lines_are_skipped_and_counted(
    name: str, rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    """Bytes that are not UTF-8, and in a CSV quotes in the wrong place, of which the rows after them know nothing."""
    damaged = {3: (b"caf\xe9", b"coffee"), 150: (b"un", b"\xff")}
    cells = [damaged.get(number, (src.encode(), tgt.encode())) for number, (src, tgt) in enumerate(rows)]
    if name == "aligned":
        for side, path in enumerate(("a.fr", "a.en")):
            (tmp_path / path).write_bytes(b"".join(pair[side] + b"\n" for pair in cells))
        data: dict[str, Any] = {"data__train_src": str(tmp_path / "a.fr"), "data__train_tgt": str(tmp_path / "a.en")}
        lines = [4, 151]
    else:
        delimiter = b"\t" if name == "a.tsv" else b","
        written = [delimiter.join(b'"%s"' % cell if name == "a.csv" else cell for cell in pair) for pair in cells]
        if name == "a.csv":
            written[100] = b'"un" deux","one"'
        (tmp_path / name).write_bytes(b"\n".join([delimiter.join((b"fr", b"en")), *written]))
        data = {"data__train": str(tmp_path / name), "data__train_src": (), "data__train_tgt": ()}
        lines = [5, 102, 152] if name == "a.csv" else [5, 152]
    config = tiny(data__invalid_lines="skip", data__src_lang="fr", data__tgt_lang="en", **data)
    (source,) = report_of(config, tmp_path).sources
    (finding,) = [finding for finding in source.findings if finding.rule == "invalid"]
    assert finding.lines == lines
    assert source.read == len(rows)
    with pytest.raises(InputError, match=rf"line {lines[0]}: not UTF-8"):
        report_of(
            config.model_copy(update={"data": config.data.model_copy(update={"invalid_lines": "stop"})}), tmp_path
        )


def test_aligned_files_can_be_pipes(
    rows: Rows, expected: dict[str, str], tiny: Callable[..., Config], tmp_path: Path
) -> None:
    for name, side in (("p.fr", 0), ("p.en", 1)):
        os.mkfifo(tmp_path / name)
        text = "".join(f"{row[side]}\n" for row in rows)
        Thread(target=(tmp_path / name).write_text, args=(text,), daemon=True).start()
    pipes = {"data__train_src": str(tmp_path / "p.fr"), "data__train_tgt": str(tmp_path / "p.en")}
    assert trained_bytes(tiny(training__max_steps=3, **pipes), tmp_path / "run") == expected


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources=st.lists(st.lists(st.builds(Pair, SENTENCE, SENTENCE, st.integers(1, 2**40)), max_size=5), max_size=3))
def test_a_spool_yields_what_was_written(sources: list[list[Pair]], tmp_path: Path) -> None:
    with PairSpool(tmp_path) as spool, pytest.MonkeyPatch.context() as patch:
        patch.setattr("seq2seq.data.spool._BLOCK", 2)
        assert [list(spool.write(pairs)) for pairs in sources] == sources
        both = [zip(spool.read(index), spool.read(index), strict=True) for index in range(len(sources))]
        odd = np.arange(sum(map(len, sources))) % 2 == 1
        chosen = [pair for index in range(len(sources)) for pair in spool.read(index, odd)]
        assert chosen == [pair for pairs in sources for pair in pairs][1::2]
        assert [list(pairs) for pairs in both] == [list(zip(pairs, pairs, strict=True)) for pairs in sources]
        blocks = [block for index in range(len(sources)) for block in spool.blocks(index)]
    first = 0
    for number, pairs in blocks:
        assert number == first
        first += len(pairs)
    assert [pair for _, pairs in blocks for pair in pairs] == [pair for pairs in sources for pair in pairs]


def unusual_form(text: str) -> str:
    return "\ufeff" + unicodedata.normalize("NFD", text).replace("e", "e\u200b") + "\t"


def test_every_form_of_a_text_is_prepared_alike(tiny: Callable[..., Config], rows: Rows, tmp_path: Path) -> None:
    """The same vocabulary, ids, validation pairs and counts; nothing invisible is left."""
    plain = [(f"{src} caf\u00e9", f"{tgt} caf\u00e9") for src, tgt in rows]
    other = [(unusual_form(src).replace(" ", "\u00a0"), unusual_form(tgt)) for src, tgt in plain]
    options = {"data__train_src": (), "data__train_tgt": ()}
    prepared, reports = [], []
    for name, pairs, normalize in (("plain", plain, True), ("other", other, True), ("raw", other, False)):
        folder = tmp_path / name
        folder.mkdir()
        pairs = [*pairs, ("\u200b", "one"), ("un", "\u00ad\u2060"), pairs[0], plain[0]]
        (folder / "a.jsonl").write_text("".join(json.dumps({"fr": src, "en": tgt}) + "\n" for src, tgt in pairs))
        config = tiny(**options, data__train=str(folder / "a.jsonl"), data__normalize=normalize)
        reports.append(report_of(config, folder).as_json())
        data = load_data(folder / "data", config.data, config.tokenizer)
        ids = [side[i].tolist() for side in (data.train.src, data.train.tgt) for i in range(len(data.train))]
        prepared.append((data.tokenizers.contents(), data.valid_pairs, ids))
    assert prepared[0] == prepared[1] != prepared[2]
    found = [{finding["rule"]: finding["count"] for finding in report["sources"][0]["findings"]} for report in reports]
    assert found[0] == found[1]
    assert [counts.get("empty", 0) for counts in found] == [2, 2, 0]
    assert found[1]["duplicates"] == found[2]["duplicates"] + 1


def test_test_sources_are_compared_in_the_same_form(rows: Rows, tiny: Callable[..., Config], tmp_path: Path) -> None:
    for split, pairs in (("train", rows), ("test", [(src.replace(" ", "\u00a0"), tgt) for src, tgt in rows])):
        lines = "".join(json.dumps({"fr": src, "en": tgt}) + "\n" for src, tgt in pairs)
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{split}.jsonl").write_text(lines)
    options = {"data__train_src": (), "data__train_tgt": (), "data__dataset": str(tmp_path / "set")}
    overlaps = {overlap["name"]: overlap for overlap in report_of(tiny(**options), tmp_path).as_json()["overlaps"]}
    assert overlaps["test"]["in_training"] >= 0.9 * overlaps["test"]["sources"] > 0
