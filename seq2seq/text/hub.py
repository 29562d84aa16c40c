"""Data sets in the layout of the Hugging Face hub: a local folder, or a name on the hub.

The `datasets` library finds out which files make up which split, from the folder's README or from the files' names;
tables.py reads them, so that a sentence is the same whatever form it comes in. A folder of aligned files
(`train.de`, `train.en`) is understood as well. No code from a data set is ever run.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import InputError

VALIDATION_NAMES = ("validation", "valid", "val", "dev")
TEST_NAMES = ("test",)
_PACKINGS = ("", ".gz", ".zst")
_READABLE = {"parquet", "csv", "json", "arrow"}


# What a CSV may be told apart from these is not understood here, and a silent difference would change sentences.
_HONOURED = {"sep", "delimiter", "header", "names", "column_names", "features"}
_IRRELEVANT = {"name", "version", "data_dir", "data_files", "description"}


@dataclass(frozen=True)
class Split:
    """The files of a split, in order, and how its tables are written where the data set says so."""

    urls: tuple[str, ...]
    delimiter: str | None = None
    names: tuple[str, ...] = ()
    """Columns of a CSV."""
    has_header: bool = True


def aligned_files(folder: Path, split: str, src_lang: str, tgt_lang: str) -> tuple[Path, Path] | None:
    """`folder/split.src_lang` and `folder/split.tgt_lang`, plain or packed, where both are there."""
    sides = [
        next((path for packing in _PACKINGS if (path := folder / f"{split}.{code}{packing}").is_file()), None)
        for code in (src_lang, tgt_lang)
        if code
    ]
    return (sides[0], sides[1]) if len(sides) == 2 and sides[0] and sides[1] else None


def find_splits(name: str, subset: str | None, languages: Sequence[str]) -> dict[str, Split]:
    """The splits of a data set, a local folder or a name on the hub. Only `fetch` fetches their files.

    subset: which of its configurations; without it the only one, or the one that is named by both languages.
    Raises InputError where there is none, or more than one, or it needs code to be read.
    """
    import datasets

    datasets.disable_progress_bars()
    # What the library itself would cache is of no use here.
    with _explained(name), tempfile.TemporaryDirectory() as scratch:
        subset = _choose_subset(name, subset, datasets.get_dataset_config_names(name), languages)
        builder = datasets.load_dataset_builder(name, subset, cache_dir=scratch)
        kind = type(builder).__mro__[1].__name__.lower()
        if kind not in _READABLE:
            raise InputError(f"{name}: a data set of kind {kind}; Parquet, Arrow, JSON lines, CSV and TSV can be read")
        files: Mapping[Any, Sequence[str]] = builder.config.data_files or {}
        form = _csv_form(name, builder.config) if kind == "csv" else {}
        return {str(split): Split(tuple(urls), **form) for split, urls in files.items()}


def _csv_form(name: str, config: Any) -> dict[str, Any]:
    """How the data set says that its CSV files are written. Raises InputError for what cannot be honoured."""
    usual = type(config)()
    said = {key: value for key, value in vars(config).items() if value != getattr(usual, key, value)}
    if odd := sorted(said.keys() - _HONOURED - _IRRELEVANT):
        raise InputError(f"--dataset {name}: its README sets {odd[0]} for its CSV files, which is not understood here")
    names = tuple(config.names or config.column_names or ())
    # As in pandas: names without a word about a header mean that there is none.
    has_header = not names if config.header == "infer" else config.header is not None
    if config.header not in ("infer", None, 0):
        raise InputError(f"--dataset {name}: its README puts the header on row {config.header}; only 0 is understood")
    # A comma is also what the library says where the data set says nothing.
    return {"delimiter": None if config.sep == "," else config.sep, "names": names, "has_header": has_header}


def _choose_subset(name: str, subset: str | None, subsets: Sequence[str], languages: Sequence[str]) -> str:
    if subset is None and len(subsets) == 1:
        return subsets[0]
    if subset is None:
        fitting = [one for one in subsets if all(code and _names(one, code) for code in languages)]
        if len(fitting) == 1:
            return fitting[0]
    elif subset in subsets:
        return subset
    listed = ", ".join(subsets[:12]) + (f" and {len(subsets) - 12} more" if len(subsets) > 12 else "")
    problem = f"no subset {subset}" if subset else "has several subsets"
    raise InputError(f"{name}: {problem}; choose with --subset: {listed}")


def _names(subset: str, code: str) -> bool:
    """Whether a language code, which may have a `_` or `-` in it, stands in a configuration's name."""
    return bool(re.search(rf"(?<![^-_.]){re.escape(code)}(?![^-_.])", subset))


def fetch(url: str, downloads: Path) -> Path:
    """The file, fetched to `downloads` where it lies on the hub. Raises InputError where that fails."""
    with _explained(url):
        return _fetch(url, downloads)


def _fetch(url: str, downloads: Path) -> Path:
    if not url.startswith("hf://"):
        return Path(url)
    import huggingface_hub

    place: Any = huggingface_hub.HfFileSystem().resolve_path(url)
    return Path(
        huggingface_hub.hf_hub_download(
            place.repo_id,
            place.path_in_repo,
            repo_type=place.repo_type,
            revision=place.revision,
            cache_dir=downloads,
        )
    )


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Make what the library raises into one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a README from anywhere makes it raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        where = "" if Path(name).is_dir() else " (there is no such folder here either)"
        raise InputError(f"--dataset {name}: {reason[:300]}{where}") from None
