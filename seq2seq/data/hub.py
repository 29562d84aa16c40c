"""Datasets in the layout of the Hugging Face hub: a local folder, or a name on the hub.

The `datasets` library determines which files make up which split, from the folder's README or from the file names;
`formats` reads them, so that a sentence is the same in every file format. A folder of aligned files (`train.de`,
`train.en`) is supported too. No code from a dataset is ever run, and only its own files are read: those of a folder
lie in it, and nothing in its README makes the library look elsewhere.
"""

import csv
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from seq2seq.data.formats.delimited import Layout
from seq2seq.data.languages import language_code
from seq2seq.errors import InputError
from seq2seq.io.storage import real_path

VALIDATION_NAMES = ("validation", "valid", "val", "dev")
TEST_NAMES = ("test",)
# Bytes; the READMEs of datasets with hundreds of configurations have two million.
_LARGEST_README = 2**24
_MOST_VALUES = 10**6
# The last one that exists is used.
_COMPRESSION_SUFFIXES = (".zst", ".gz", "")
_READABLE = {"parquet", "csv", "json", "arrow"}
# Settings of the library's readers that are supported here, and their supported values.
_SUPPORTED: dict[str, Callable[[Any], bool]] = {
    "sep": lambda value: len(str(value)) == 1,
    "delimiter": lambda value: len(str(value)) == 1,
    "names": lambda _: True,
    "column_names": lambda _: True,
    "header": lambda value: value in (0, None),
    "quoting": lambda value: value in (csv.QUOTE_ALL, csv.QUOTE_NONE),
    "encoding": lambda value: str(value).lower() in ("utf-8", "utf8", "utf-8-sig"),
}
# Settings for columns, speed or types, or for what is done here anyway.
_IGNORED = {
    *("batch_size", "block_size", "chunksize", "columns", "engine", "features", "float_precision"),
    *("fragment_scan_options", "keep_default_na", "memory_map", "na_filter", "usecols", "use_threads"),
}


@dataclass(frozen=True)
class Split:
    """The files of a split, in order, and their layout as the dataset describes it."""

    dataset: str
    urls: tuple[str, ...]
    layout: Layout

    def fetch(self, downloads: Path) -> list[Path]:
        """The files; those on the hub are downloaded to `downloads`. Raises InputError if that fails."""
        with _explained(self.dataset):
            return [_fetch(url, downloads) for url in self.urls]


def aligned_splits(folder: Path, src_lang: str, tgt_lang: str) -> dict[str, tuple[Path, Path]]:
    """The splits that have both `folder/split.src_lang` and `folder/split.tgt_lang`, plain or compressed."""
    if not (src_lang and tgt_lang and folder.is_dir()):
        return {}
    src, tgt = (_files_by_split(folder, code) for code in (src_lang, tgt_lang))
    for path in (*src.values(), *tgt.values()):
        _expect_within(str(folder), str(path))
    return {split: (src[split], tgt[split]) for split in src if split in tgt}


def aligned_languages(folder: Path) -> list[str]:
    """The languages of `folder/split.language`, plain or compressed, that splits have in common with another one."""
    languages: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        split, _, language = re.sub(r"\.(gz|zst)$", "", path.name).rpartition(".")
        if split and language_code(language):
            languages.setdefault(split, []).append(language)
    return sorted({name for names in languages.values() if len(names) > 1 for name in names})


def _files_by_split(folder: Path, code: str) -> dict[str, Path]:
    return {
        path.name.removesuffix(ending): path
        for ending in (f".{code}{suffix}" for suffix in _COMPRESSION_SUFFIXES)
        for path in sorted(folder.iterdir())
        if path.name.endswith(ending) and path.is_file()
    }


def find_splits(name: str, subset: str | None, languages: Sequence[str]) -> dict[str, Split]:
    """The splits of a dataset, a local folder or a name on the hub. Their files are not downloaded yet.

    subset: which of its configurations; by default the only one, or the one whose name contains both languages.
    Raises InputError if there is none, or more than one, or it needs code or unsupported settings.
    """
    import datasets
    from huggingface_hub.utils import logging

    datasets.disable_progress_bars()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # failures are reported once, at the end
    # The library's own cache is of no use here.
    with _explained(name), tempfile.TemporaryDirectory() as scratch:
        if not name:
            raise InputError("--dataset is empty: give a folder or a name on the hub")
        if Path(name).is_dir():
            _expect_own_files(Path(name))
            name = str(Path(name).absolute())  # the library would take "." for a name on the hub
        subset = _choose_subset(name, subset, datasets.get_dataset_config_names(name), languages)
        builder = datasets.load_dataset_builder(name, subset, cache_dir=scratch)
        kind = type(builder).__mro__[1].__name__.lower()
        if kind not in _READABLE:
            raise InputError(f"{name}: a dataset of type {kind}; Parquet, Arrow, JSON lines, CSV and TSV can be read")
        config = builder.config
        _expect_supported(name, config)
        layout = _layout(config) if kind == "csv" else Layout()
        files = {str(split): tuple(map(str, urls)) for split, urls in (config.data_files or {}).items()}
        for url in (url for urls in files.values() for url in urls):
            _expect_within(name, url)
        return {split: Split(name, urls, layout) for split, urls in files.items()}


def _expect_own_files(folder: Path) -> None:
    """Refuse a folder whose README refers to files elsewhere, before the library looks for them, even online."""
    import yaml
    from huggingface_hub import DatasetCard

    # Parsed exactly as the library does, line ends included: otherwise it could see other files than were checked here.
    def read_card(path: Path) -> Any:
        return DatasetCard.load(path).data.to_dict()

    def read_yaml(path: Path) -> Any:
        return yaml.safe_load(path.read_text(encoding="utf-8"))

    for name, read in (("README.md", read_card), (".huggingface.yaml", read_yaml)):
        path = folder / name
        if not path.is_file():
            continue
        if path.stat().st_size > _LARGEST_README:
            raise InputError(f"{path}: over {_LARGEST_README:,} bytes")
        content = read(path)
        if _expanded_size(content, {}) > _MOST_VALUES:
            raise InputError(f"{path}: its YAML aliases expand to more than {_MOST_VALUES:,} values")
        configs = content.get("configs") if isinstance(content, dict) else None
        for config in configs if isinstance(configs, list) else ():
            patterns = [config.get("data_files"), config.get("data_dir")] if isinstance(config, dict) else []
            for pattern in _strings(patterns):
                if "://" in pattern or ".." in Path(pattern).parts or Path(pattern).is_absolute():
                    raise InputError(f"{path}: refers to {pattern[:200]!r}, which is outside this folder")


def _expanded_size(value: Any, sizes: dict[int, float]) -> float:
    """The number of values in a YAML value with all aliases expanded; infinite if one contains itself.

    sizes: of the parts counted so far.
    """
    if not isinstance(value, list | dict):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = math.inf
        parts = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_expanded_size(part, sizes) for part in parts)
    return sizes[id(value)]


def _strings(value: Any) -> Iterator[str]:
    """All strings in a YAML value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _expect_within(name: str, url: str) -> None:
    """Refuse a file that does not belong to the dataset."""
    if Path(name).is_dir():
        folder = real_path(Path(name))
        # In the hub's cache a snapshot consists of links to shared files.
        folders = [folder, *([folder.parent.parent / "blobs"] if folder.parent.name == "snapshots" else [])]
        if not any(real_path(Path(url)).is_relative_to(parent) for parent in folders):
            raise InputError(f"{url}: is a link to a file outside the dataset; make a copy without links (cp -rL)")
    elif not url.startswith(f"hf://datasets/{name}@"):
        raise InputError(f"{name}: refers to {url[:200]!r}, which is not a file of this dataset")


def _expect_supported(name: str, config: Any) -> None:
    """Refuse settings of the library's reader, from the dataset's README, that `formats` does not support."""
    from datasets import BuilderConfig

    ignored = _IGNORED | {setting.name for setting in fields(BuilderConfig)}
    for setting in fields(config):
        value = getattr(config, setting.name)
        is_supported = _SUPPORTED.get(setting.name, lambda _: False)
        if setting.name not in ignored and value != setting.default and not is_supported(value):
            raise InputError(
                f"{name}: its README sets {setting.name} to {value!r}, which is not supported; "
                "give its files with --train, in a form that does not need this setting"
            )


def _layout(config: Any) -> Layout:
    """How the library's CSV reader would read the files."""
    names = tuple(map(str, config.names)) if config.names else None
    return Layout(
        # A comma is also the library's default.
        delimiter=None if config.sep == "," else config.sep,
        quoted=config.quoting != csv.QUOTE_NONE,
        header=names is None if config.header == "infer" else config.header is not None,
        names=names,
    )


def _choose_subset(name: str, subset: str | None, subsets: Sequence[str], languages: Sequence[str]) -> str:
    if subset is None and len(subsets) == 1:
        return subsets[0]
    if subset is None:
        matches = [entry for entry in subsets if all(code and _has_language(entry, code) for code in languages)]
        if len(matches) == 1:
            return matches[0]
    elif subset in subsets:
        return subset
    listed = ", ".join(subsets[:12]) + (f" and {len(subsets) - 12} more" if len(subsets) > 12 else "")
    problem = f"no subset {subset}" if subset else "has several subsets"
    raise InputError(f"{name}: {problem}; choose with --subset: {listed}")


def _has_language(subset: str, code: str) -> bool:
    """Whether a language is a complete part of a configuration's name: `swh_Latn` in `eng_Latn-swh_Latn`."""
    return bool(re.search(rf"(^|[-_.]){re.escape(code)}($|[-_.])", subset))


def _fetch(url: str, downloads: Path) -> Path:
    if not url.startswith("hf://"):
        return Path(url)
    import huggingface_hub

    remote: Any = huggingface_hub.HfFileSystem().resolve_path(url)
    return Path(
        huggingface_hub.hf_hub_download(
            remote.repo_id,
            remote.path_in_repo,
            repo_type=remote.repo_type,
            revision=remote.revision,
            cache_dir=downloads,
        )
    )


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn the library's exceptions into an InputError: its parsers may raise anything on an untrusted README."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, LookupError | TypeError | AttributeError):  # the library did not expect such a folder
            reason = f"not readable as a dataset ({reason})"
        where = "" if Path(name).is_dir() else " (and there is no such local folder)"
        raise InputError(f"--dataset {name}: {reason[:300]}{where}") from None
