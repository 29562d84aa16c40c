"""Settings in a dataset's README are followed or refused; which splits and subsets are used; what is fetched when."""

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets.data_files import DataFilesDict, DataFilesList
from datasets.packaged_modules.csv.csv import CsvConfig

from seq2seq.config import DataConfig
from seq2seq.data import hub
from seq2seq.data.bitext import Bitext
from seq2seq.data.sources import Sources, open_sources
from seq2seq.errors import InputError

PAIRS = [(f"habari {n}", f"hello, {n}") for n in range(4)]
LINES = [f'{src},"{tgt}"' for src, tgt in PAIRS]


def put(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def put_readme(folder: Path, *settings: str) -> None:
    put(
        folder / "README.md",
        ["---", "configs:", "- config_name: default", *(f"  {setting}" for setting in settings), "---"],
    )


def open_set(folder: Path, **settings: object) -> Sources:
    return open_sources(DataConfig.model_validate({"dataset": str(folder), **settings}), folder.parent / "downloads")


def rows_of(pairs: Bitext | None) -> list[tuple[str, str]]:
    assert pairs is not None
    return [(pair.src, pair.tgt) for pair in pairs]


def test_the_validation_split_is_chosen_by_name(tmp_path: Path) -> None:
    for number, names in enumerate(itertools.permutations(hub.VALIDATION_NAMES, 2)):
        folder = tmp_path / str(number)
        splits = [f"- {{split: {name}, path: {name}.csv}}" for name in ("train", *names)]
        put_readme(folder, "data_files:", *splits)
        for name in ("train", *names):
            put(folder / f"{name}.csv", ["sw,en", f"{name},{name}"])
        expected = min(names, key=hub.VALIDATION_NAMES.index)
        assert rows_of(open_set(folder).valid) == [(expected, expected)]


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        (["names: [sw, en]"], LINES),
        (["column_names: [sw, en]"], LINES),
        (["header: null"], LINES),
        (["header: null", "names: [sw, en]"], LINES),
        (["header: 0", "names: [sw, en]"], ["first,second", *LINES]),
        (["header: 0"], ["sw,en", *LINES]),
        (["encoding: UTF-8", "keep_default_na: false", "quoting: 1"], ["sw,en", *LINES]),
        (["sep: '|'", "names: [sw, en]"], [f"{src}|{tgt}" for src, tgt in PAIRS]),
        (["delimiter: '|'", "quoting: 3"], ["sw|en", *(f"{src}|{tgt}" for src, tgt in PAIRS)]),
    ],
)
def test_csv_settings_are_followed(settings: list[str], lines: list[str], tmp_path: Path) -> None:
    put_readme(tmp_path / "set", "data_files: pairs.csv", *settings)
    put(tmp_path / "set" / "pairs.csv", lines)
    assert rows_of(open_set(tmp_path / "set").train[0].pairs) == PAIRS


def test_quotes_are_kept_where_quoting_is_off(tmp_path: Path) -> None:
    put_readme(tmp_path / "set", "data_files: pairs.csv", "quoting: 3", "sep: '|'")
    put(tmp_path / "set" / "pairs.csv", ["sw|en", '"a"|"b'])
    assert rows_of(open_set(tmp_path / "set").train[0].pairs) == [('"a"', '"b')]


@pytest.mark.parametrize(
    "setting", ["skiprows: 1", "encoding: latin-1", "quoting: 2", "header: 2", "sep: '||'", "nrows: 10", "comment: '#'"]
)
def test_unsupported_settings_are_an_error(setting: str, tmp_path: Path) -> None:
    put_readme(tmp_path / "set", "data_files: pairs.csv", setting)
    put(tmp_path / "set" / "pairs.csv", ["sw,en", *LINES])
    with pytest.raises(InputError, match=f"set: its README sets {setting.partition(':')[0]} to "):
        open_set(tmp_path / "set")


def test_wrong_number_of_names_is_a_one_line_error(tmp_path: Path) -> None:
    put_readme(tmp_path / "set", "data_files: pairs.csv", "names: [id, sw, en]")
    put(tmp_path / "set" / "pairs.csv", LINES)
    with pytest.raises(InputError, match="2 columns, but the dataset names 3"):
        open_set(tmp_path / "set")


def test_a_tsv_of_a_data_set_may_be_quoted(tmp_path: Path) -> None:
    put(tmp_path / "set" / "train.tsv", ["sw\ten", '"Alisema ""ndiyo"""\t"a\ttab"', "wazi\tplain"])
    expected = [('Alisema "ndiyo"', "a\ttab"), ("wazi", "plain")]
    assert rows_of(open_set(tmp_path / "set").train[0].pairs) == expected


@pytest.mark.parametrize("readme", ["configs: [a: b: c", "configs: 3", "configs:\n- 7", "dataset_info: [1, x"])
def test_malformed_readme_is_a_one_line_error(readme: str, tmp_path: Path) -> None:
    put(tmp_path / "set" / "README.md", ["---", readme, "---"])
    put(tmp_path / "set" / "train.csv", ["sw,en", *LINES])
    with pytest.raises(InputError, match=f"--dataset {tmp_path / 'set'}: .*") as error:
        open_set(tmp_path / "set")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("subsets", "languages", "chosen"),
    [
        (["eng_Latn-deu_Latn", "eng_Latn-fra_Latn"], ("eng_Latn", "fra_Latn"), "eng_Latn-fra_Latn"),
        (["en-de", "en-zh_CN"], ("en", "zh_CN"), "en-zh_CN"),
        (["de_en", "sw_en"], ("en", "sw"), "sw_en"),
        (["wmt.de-en", "wmt.den-en"], ("de", "en"), "wmt.de-en"),
        (["en-sw", "en-sw.clean"], ("en", "sw"), None),
        (["en-sw", "en-swh"], ("en", ""), None),
    ],
)
def test_the_subset_is_chosen_by_languages(
    subsets: list[str], languages: tuple[str, str], chosen: str | None, tmp_path: Path
) -> None:
    configs = [line for subset in subsets for line in (f"- config_name: {subset}", f"  data_files: {subset}.csv")]
    put(tmp_path / "set" / "README.md", ["---", "configs:", *configs, "---"])
    for subset in subsets:
        put(tmp_path / "set" / f"{subset}.csv", ["source,target", f"{subset},x"])
    settings = dict(zip(("src_lang", "tgt_lang"), languages, strict=True))
    if chosen:
        assert rows_of(open_set(tmp_path / "set", **settings).train[0].pairs) == [(chosen, "x")]
        return
    with pytest.raises(InputError, match=re.escape(f"choose with --subset: {', '.join(subsets)}")):
        open_set(tmp_path / "set", **settings)


@pytest.mark.parametrize(
    "setting",
    [
        "data_files: ../secret.csv",
        "data_files: [train.csv, ../secret.csv]",
        "data_files: [{split: train, path: sub/../../secret.csv}]",
        "data_files: {train: train.csv, test: [../secret.csv]}",
        "data_files: SECRET",
        "data_files: file://SECRET",
        "data_files: local://SECRET",
        "data_files: https://example.com/train.csv",
        "data_files: hf://datasets/some/set/train.csv",
        "data_files: zip://train.csv::https://example.com/train.zip",
        "data_dir: ..",
        "data_dir: /etc",
    ],
)
@pytest.mark.parametrize("name", ["README.md", ".huggingface.yaml"])
def test_a_data_set_refers_only_to_its_own_files(
    name: str, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would fetch them while it resolves the splits, so it must not be called."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the library was called")

    put(tmp_path / "secret.csv", ["sw,en", *LINES])
    put(tmp_path / "set" / "train.csv", ["sw,en", *LINES])
    setting = setting.replace("SECRET", str(tmp_path / "secret.csv"))
    fence = ["---"] * (name == "README.md")
    put(tmp_path / "set" / name, [*fence, "configs:", "- config_name: default", f"  {setting}", *fence])
    monkeypatch.setattr("datasets.get_dataset_config_names", fail)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'set' / name}: refers to ")):
        open_set(tmp_path / "set")


def test_a_readme_is_parsed_as_by_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If `\r` ended a line, the settings would be missed."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the library was called")

    readme = "---\r# c\r---\rconfigs:\r- config_name: default\r  data_files: https://example.com/x.csv\n---\n"
    put(tmp_path / "set" / "train.csv", ["sw,en", *LINES])
    (tmp_path / "set" / "README.md").write_text(readme, newline="")
    monkeypatch.setattr("datasets.get_dataset_config_names", fail)
    with pytest.raises(InputError, match=r"refers to 'https://example\.com/x\.csv'"):
        open_set(tmp_path / "set")


def test_a_snapshot_in_the_hub_cache_is_read(tmp_path: Path) -> None:
    """A snapshot consists of links to files named by their hash."""
    snapshot, blobs = (
        tmp_path / "datasets--some--set" / "snapshots" / "0a1b",
        tmp_path / "datasets--some--set" / "blobs",
    )
    put(blobs / "1234", ["sw,en", *LINES])
    snapshot.mkdir(parents=True)
    (snapshot / "train.csv").symlink_to("../../blobs/1234")
    assert rows_of(open_set(snapshot).train[0].pairs) == PAIRS


def test_links_out_of_a_data_set_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "secret.csv", ["sw,en", *LINES])
    put(tmp_path / "set" / "train.csv", ["sw,en", *LINES])
    (tmp_path / "set" / "validation.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(InputError, match=r"validation\.csv: is a link to a file outside the dataset"):
        open_set(tmp_path / "set")
    (tmp_path / "set" / "validation.csv").unlink()
    (tmp_path / "set" / "validation.csv").symlink_to("train.csv")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert open_set(tmp_path / "link").valid is not None
    for code in ("sw", "en"):
        put(tmp_path / f"train.{code}", ["a"])
        (tmp_path / "set" / f"train.{code}").symlink_to(tmp_path / f"train.{code}")
    with pytest.raises(InputError, match=r"train\.sw: is a link to a file outside"):
        open_set(tmp_path / "set", src_lang="sw", tgt_lang="en")


def test_a_data_set_on_the_hub_refers_only_to_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(tmp_path, {"train": ["sw,en", *LINES]}, monkeypatch)
    assert open_sources(DataConfig(dataset=("some/set",)), tmp_path).train
    with pytest.raises(InputError, match=r"refers to 'hf://datasets/some/set@0/train\.csv', which is not"):
        open_sources(DataConfig(dataset=("another/set",)), tmp_path)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]" for n in range(12)],
        ["m: &m [*m]"],
    ],
    ids=["10^12 values", "self-reference"],
)
def test_a_readme_with_too_many_aliases_is_refused(lines: list[str], tmp_path: Path) -> None:
    bomb = ["a: &a [train.csv]", *lines, "configs:", "- config_name: default", "  data_files: *m"]
    put(tmp_path / "set" / "README.md", ["---", *bomb, "---"])
    put(tmp_path / "set" / "train.csv", ["sw,en", *LINES])
    with pytest.raises(InputError, match="its YAML aliases expand to more than 1,000,000 values"):
        open_set(tmp_path / "set")


def test_aligned_files_have_a_test_split_too(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        for code in ("sw", "en"):
            put(tmp_path / "set" / f"{split}.{code}", [f"{split} {code}"])
    sources = open_set(tmp_path / "set", src_lang="sw", tgt_lang="en")
    splits = [rows_of(pairs) for pairs in (sources.train[0].pairs, sources.valid, sources.test)]
    assert splits == [[(f"{split} sw", f"{split} en")] for split in ("train", "dev", "test")]


def fake_hub(folder: Path, files: Mapping[str, Sequence[str]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Serve a folder as a dataset on the hub, one CSV per split. Returns a live list of the files fetched."""
    fetched: list[str] = []
    root = "hf://datasets/some/set@0/"
    urls = DataFilesDict({split: DataFilesList([f"{root}{split}.csv"], []) for split in files})
    for split, lines in files.items():
        put(folder / f"{split}.csv", lines)

    class Csv:
        config = CsvConfig(data_files=urls)

    class Builder(Csv):
        pass

    def fetch(_: str, path: str, **__: object) -> str:
        fetched.append(path)
        return str(folder / path)

    def resolve(_: object, url: str) -> SimpleNamespace:
        path = url.removeprefix(root)
        return SimpleNamespace(repo_id="some/set", path_in_repo=path, repo_type="dataset", revision="0")

    monkeypatch.setattr("datasets.get_dataset_config_names", lambda _: ["default"])
    monkeypatch.setattr("datasets.load_dataset_builder", lambda *_, **__: Builder())
    monkeypatch.setattr("huggingface_hub.HfFileSystem.resolve_path", resolve)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    return fetched


def test_a_split_is_fetched_when_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = ("train", "validation", "test", "extra")
    fetched = fake_hub(tmp_path, {split: ["sw,en", f"{split},x"] for split in splits}, monkeypatch)
    sources = open_sources(DataConfig(dataset=("some/set",)), tmp_path / "downloads")
    assert fetched == ["train.csv"]
    assert rows_of(sources.valid) == [("validation", "x")]
    assert rows_of(sources.test) == [("test", "x")]
    assert fetched == ["train.csv", "validation.csv", "test.csv"]
    fetched.clear()
    open_sources(DataConfig(dataset=("some/set",), split="test"), tmp_path / "downloads")
    assert fetched == ["test.csv"]
