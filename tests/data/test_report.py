"""The data report: what it counts, and what it warns about."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from seq2seq.config import Config
from seq2seq.data.findings import Finding
from seq2seq.data.preparation import prepare_data
from seq2seq.data.report import DataReport
from seq2seq.data.sources import open_sources
from seq2seq.errors import InputError
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

Rows = list[tuple[str, str]]


@pytest.fixture
def rows(bitext: tuple[Path, Path]) -> Rows:
    src, tgt = (path.read_text().splitlines() for path in bitext)
    return list(zip(src, tgt, strict=True))


PO = 'msgid ""\nmsgstr "Language: en\\n"\n'


def report_of(config: Config, folder: Path) -> DataReport:
    sources = open_sources(config.data, folder / "downloads")
    return prepare_data(config.data, config.tokenizer, sources, folder / "data")


@pytest.fixture
def unusual_rows(rows: Rows, tmp_path: Path) -> Path:
    path = tmp_path / "odd.tsv"
    unusual = [("", "one"), ("un", "un"), rows[0], rows[1], ("deux", "two " * 30), ("un " * 200, "one " * 200)]
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in [*rows, *unusual]))
    return path


def test_report_counts_unusual_and_dropped_pairs(
    unusual_rows: Path, rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    config = tiny(data__train_src=(), data__train_tgt=(), data__train=str(unusual_rows))
    report = report_of(config, tmp_path)
    (source,) = report.sources
    repeated = len(rows) - len(set(rows))
    counts = {finding.rule: (finding.count, finding.left_out) for finding in source.findings}
    assert counts == {
        "empty": (1, True),
        "too_long": (1, True),
        "identical": (1 + sum(src == tgt for src, tgt in rows), False),
        "markup": (0, False),
        "mojibake": (0, False),
        "length": (0, False),
        "ratio": (1, False),
        "script": (0, False),
        "duplicates": (repeated + 2, False),
    }
    assert (source.read, source.read - 2) == (206, source.kept + source.held_out)
    identical = [line for line, (src, tgt) in enumerate(rows, start=1) if src == tgt] + [202]
    assert next(finding.lines for finding in source.findings if finding.rule == "identical") == identical[:3]
    assert report.valid.kept == source.held_out == 10
    examples = [pieces.replace(" ", "").replace("\u2581", " ").strip() for pieces, _ in report.examples]
    assert len(set(examples)) == 3
    assert set(examples) <= {src for src, _ in rows}
    assert examples != [src for src, _ in rows[:3]]
    assert json.loads((tmp_path / "data" / "report.json").read_text())["sources"][0]["kept"] == source.kept


def test_the_report_counts_units_that_are_no_pairs(rows: Rows, tiny: Callable[..., Config], tmp_path: Path) -> None:
    entries = "".join(f'\nmsgid "{src}"\nmsgstr "{tgt}"\n' for src, tgt in rows[:30])
    odd = '\nmsgid "a"\nmsgstr ""\n' + '\n#, fuzzy\nmsgid "b"\nmsgstr "c"\n' * 2
    for name in ("train.po", "valid.po"):
        (tmp_path / name).write_text(PO + entries + odd)
    data = {"data__train_src": (), "data__train_tgt": (), "data__train": str(tmp_path / "train.po")}
    report = report_of(tiny(**data, data__valid=str(tmp_path / "valid.po")), tmp_path)
    for source in (*report.sources, report.valid):
        assert (source.read, source.omitted) == (30, {"untranslated units": 1, "fuzzy units": 2})
    assert [line.split() for line in report.lines() if "left out" in line][:2] == [
        ["1", "untranslated", "unit:", "left", "out"],
        ["2", "fuzzy", "units:", "left", "out"],
    ]
    (tmp_path / "train.po").write_text(PO + odd)
    message = r"usable pairs: 0 of 0; .* at least 10; left out: 1 untranslated unit; left out: 2 fuzzy units"
    with pytest.raises(InputError, match=message):
        report_of(tiny(**data), tmp_path / "other")


def test_overlap_with_validation_gives_a_warning(rows: Rows, tiny: Callable[..., Config], tmp_path: Path) -> None:
    valid = tmp_path / "valid.tsv"
    valid.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in [*rows[:5], ("sept", "seven")]))
    report = report_of(tiny(data__valid=str(valid)), tmp_path)
    (seen,) = report.overlaps
    assert (seen.name, seen.sources, seen.in_training) == (
        "validation",
        len({s for s, _ in rows[:5]}) + 1,
        seen.sources - 1,
    )
    assert any("validation sources are also in the training data" in warning for warning in report.warnings())
    assert report.vocabulary.valid_bytes > 0


def table_config(tiny: Callable[..., Config], path: Path, rows: Rows, **changes: object) -> Config:
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows))
    return tiny(data__train_src=(), data__train_tgt=(), data__train=str(path), **changes)


def test_faults_of_text_are_reported_by_source_and_cleaned(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    faulty = [("\u00c3\u00a9t\u00c3\u00a9", "summer"), ("trois", "<range>"), ("cinq &amp; six", "five")]
    config = table_config(tiny, tmp_path / "faulty.tsv", [*rows, *faulty])
    (source,) = report_of(config, tmp_path).sources
    found = {(finding.rule, finding.side): finding.lines for finding in source.findings if finding.count}
    assert found["mojibake", ""] == [201]
    assert found["markup", ""] == [202]
    assert found["entities", "source"] == [203]
    config = table_config(tiny, tmp_path / "faulty.tsv", [*rows, *faulty], data__clean=["mojibake", "markup"])
    (source,) = report_of(config, tmp_path).sources
    assert source.kept + source.held_out == 201


def test_shifted_sides_are_a_warning_before_all_others(tiny: Callable[..., Config], tmp_path: Path) -> None:
    numbers = [f"{n} {n * 7919 % 1000}" for n in range(900)]
    rows = list(pairwise(numbers))
    report = report_of(table_config(tiny, tmp_path / "pairs.tsv", [("mot", "word"), *rows]), tmp_path)
    assert report.sources[0].shift is not None
    assert "the sides are shifted from the first lines on" in report.warnings()[0]
    assert "in line n-1" in report.warnings()[0]
    assert report.as_json()["grave_warnings"] == report.warnings()[:1]


def test_paragraphs_are_named_with_figures(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = table_config(tiny, tmp_path / "pairs.tsv", [(f"un {n} " * 300, f"one {n} " * 300) for n in range(40)])
    with pytest.raises(
        InputError, match=r"38 pairs with a side of more than .* \(median\) instead of at most 128 .* par"
    ):
        report_of(config, tmp_path)


def test_carriage_returns_are_named_if_they_leave_no_pairs(tiny: Callable[..., Config], tmp_path: Path) -> None:
    for name, word in (("a.fr", "un"), ("a.en", "one")):
        (tmp_path / name).write_bytes(b"1\n" + f"{word}\r".encode() * 50)
    config = tiny(data__train_src=str(tmp_path / "a.fr"), data__train_tgt=str(tmp_path / "a.en"))
    with pytest.raises(InputError, match=r"usable pairs: 2 of 2; .* contain 98 carriage returns .* convert the files"):
        report_of(config, tmp_path)


def test_toy_tasks_and_sorted_files_give_no_warning(tiny: Callable[..., Config], tmp_path: Path) -> None:
    sequences = [" ".join(str(n * k % 10) for k in range(1, 2 + n // 60)) for n in range(1, 1201)]
    report = report_of(table_config(tiny, tmp_path / "copy.tsv", [(text, text) for text in sequences]), tmp_path)
    assert (report.sources[0].toy, report.sources[0].sorted_by_length) == (True, True)
    assert any(", sequences of numbers, sorted by length" in line for line in report.lines())
    assert not any("letter" in warning or "identical" in warning for warning in report.warnings())


def test_ids_instead_of_sentences_give_a_warning(tiny: Callable[..., Config], tmp_path: Path) -> None:
    ids = [(f"{n:06}", f"sentence {n}") for n in range(100)]
    report = report_of(table_config(tiny, tmp_path / "ids.tsv", ids), tmp_path)
    assert any("100 source lines without a letter (100.0%)" in warning for warning in report.warnings())


def test_verses_before_most_sentences_give_a_warning(rows: Rows, tiny: Callable[..., Config], tmp_path: Path) -> None:
    numbered = [
        (f"Gn {n // 30}:{n % 30 + 1} {src}", f"{n}. {tgt}" if n % 3 == 0 else tgt) for n, (src, tgt) in enumerate(rows)
    ]
    report = report_of(table_config(tiny, tmp_path / "verses.tsv", numbered), tmp_path)
    warnings = [warning for warning in report.warnings() if "begin with a number or a verse" in warning]
    assert warnings == [
        "200 source lines that begin with a number or a verse (100.0%); unless it is part of the sentences, remove it"
    ]


def test_a_report_of_one_source_fits_on_a_screen(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    faulty = [("\u00c3\u00a9", "<b>"), ("a\rb", "c &lt; d"), ("", "x"), ("<i>a</i>", "e\u0301"), ("un " * 400, "one")]
    report = report_of(table_config(tiny, Path("faulty.tsv"), [*rows, *faulty * 20]), tmp_path)
    shown = [*report.lines(), *report.main_warnings()]
    assert len(report.warnings()) >= 8
    assert sum(len(line) // 120 + 1 for line in shown) <= 44


def test_the_last_of_many_warnings_names_the_command_that_has_all(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(tiny(), tmp_path)
    monkeypatch.setattr(report, "warnings", lambda: list("abcdefghijklm"))
    assert report.main_warnings() == [*"abcdefghij", "3 further warnings (`seq2seq data report --json` has all)"]


def test_a_finding_agrees_with_its_number() -> None:
    finding = Finding("decomposed", False, count=1, side="target")
    assert finding.description == "target line not in Unicode's NFC"
    finding.add(2)
    assert finding.description == "target lines not in Unicode's NFC"


def test_easier_validation_pairs_give_a_warning(rows: Rows, tiny: Callable[..., Config], tmp_path: Path) -> None:
    valid = tmp_path / "valid.tsv"
    valid.write_text("un\tone\n" * 20)
    report = report_of(tiny(data__valid=str(valid)), tmp_path)
    assert any("validation sources are shorter than those of training" in warning for warning in report.warnings())


def test_a_source_without_remaining_pairs_gives_a_warning(
    rows: Rows, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    same, good = tmp_path / "same.tsv", tmp_path / "good.tsv"
    same.write_text("".join(f"word {n}\tword {n}\n" for n in range(50)))
    good.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows))
    data = {"data__train_src": (), "data__train_tgt": (), "data__weights": [2, 1]}
    config = tiny(**data, data__train=[str(same), str(good)], data__clean="identical")
    report = report_of(config, tmp_path)
    assert (report.sources[0].kept, report.sources[1].kept > 150) == (0, True)
    assert f"{same}: none of its pairs are used for training" in report.warnings()
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
