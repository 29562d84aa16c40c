"""Data sets in the layout of the Hugging Face hub: a local folder, or a name on the hub.

The `datasets` library finds out which files make up which split, from the folder's README or from the files' names;
tables.py reads them, so that a sentence is the same whatever form it comes in. A folder of aligned files
(`train.de`, `train.en`) is understood as well. No code from a data set is ever run.
"""

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


@dataclass(frozen=True)
class Split:
    """The files of a split, in order."""

    files: tuple[Path, ...]
    delimiter: str | None = None
    """Of a CSV, where the data set says so."""


def aligned_files(folder: Path, split: str, src_lang: str, tgt_lang: str) -> tuple[Path, Path] | None:
    """`folder/split.src_lang` and `folder/split.tgt_lang`, plain or packed, where both are there."""
    sides = [
        next((path for packing in _PACKINGS if (path := folder / f"{split}.{code}{packing}").is_file()), None)
        for code in (src_lang, tgt_lang)
        if code
    ]
    return (sides[0], sides[1]) if len(sides) == 2 and sides[0] and sides[1] else None


def find_splits(name: str, subset: str | None, languages: Sequence[str], downloads: Path) -> dict[str, Split]:
    """The splits of a data set, a local folder or a name on the hub; from there the files are fetched to `downloads`.

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
        # A comma is also what the library says where the data set says nothing.
        delimiter = None if (said := getattr(builder.config, "sep", None)) == "," else said
        return {
            str(split): Split(tuple(_fetch(url, downloads) for url in urls), delimiter) for split, urls in files.items()
        }


def _choose_subset(name: str, subset: str | None, subsets: Sequence[str], languages: Sequence[str]) -> str:
    if subset is None and len(subsets) == 1:
        return subsets[0]
    if subset is None:
        fitting = [one for one in subsets if all(code and code in _parts(one) for code in languages)]
        if len(fitting) == 1:
            return fitting[0]
    elif subset in subsets:
        return subset
    listed = ", ".join(subsets[:12]) + (f" and {len(subsets) - 12} more" if len(subsets) > 12 else "")
    problem = f"no subset {subset}" if subset else "has several subsets"
    raise InputError(f"{name}: {problem}; choose with --subset: {listed}")


def _parts(subset: str) -> list[str]:
    return subset.replace("_", "-").split("-")


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
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        where = "" if Path(name).is_dir() else " (there is no such folder here either)"
        raise InputError(f"--dataset {name}: {reason[:300]}{where}") from None
