"""Random faults in the files of each reader: no crash, no traceback, no hang, and memory that stays bounded.

`make fuzz` tries 20,000 files of each. A failure names the reader and the seed.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app

from .fuzzing import READERS, write_files

COUNT = int(os.environ.get("SEQ2SEQ_FUZZ", "500"))
FUZZ = """
from pathlib import Path
sys.path.insert(0, argument["code"])
from fuzzing import fuzz
result = fuzz(argument["counts"], Path(argument["folder"]))
"""
# Readers that share a process, and the megabytes that it has. Much of what torch and other libraries reserve is unused.
HEAVY = {"a.arrow": 4000, "a.parquet": 4000, "data set": 4000, "model": 6000, "shortlist": 6000, "run": 6000}
GROUPS = {
    "text": ([reader for reader in READERS if reader not in HEAVY], 1500),
    **{f"{memory} MB": ([reader for reader in HEAVY if HEAVY[reader] == memory], memory) for memory in (4000, 6000)},
}
# Those that take a fiftieth of a second or more per file.
SLOW = {"data set": 10, "run": 10, "model": 2, "shortlist": 2}
PER_PROCESS = 1000


@pytest.fixture(scope="module")
def whole_files(model: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_files(folder)
    shutil.copytree(model, folder / "model")
    shutil.copytree(trained, folder / "trained")
    told = CliRunner().invoke(app, ["export", str(trained), "-o", str(folder / "listed"), "--shortlist", "--int8"])
    assert told.exit_code == 0, told.stderr
    return folder


@pytest.mark.parametrize("group", GROUPS)
def test_files_with_random_faults_are_read_or_refused(
    group: str, whole_files: Path, tmp_path: Path, contained: Callable[..., Any]
) -> None:
    folder = shutil.copytree(whole_files, tmp_path / "folder")
    readers, megabytes = GROUPS[group]
    ends = {reader: COUNT if COUNT > 500 else COUNT // SLOW.get(reader, 1) for reader in readers}
    totals = {reader: {"refused": 0, "read": 0} for reader in readers}
    for start in range(0, COUNT, PER_PROCESS):
        counts = {reader: [start, min(end, start + PER_PROCESS)] for reader, end in ends.items()}
        argument = {"code": str(Path(__file__).parent), "counts": counts, "folder": str(folder)}
        try:
            found = contained(FUZZ, argument, megabytes, seconds=3000)
        except AssertionError as error:
            pytest.fail(f"{(folder / 'seed').read_text()}: {error}")
        for reader, numbers in found.items():
            totals[reader] = {name: totals[reader][name] + numbers[name] for name in numbers}
    print(totals)
    for reader, end in ends.items():
        assert sum(totals[reader].values()) == end
        assert min(totals[reader].values()) > 0, f"{reader}: where all files are refused, or none, little is found"


def test_a_parquet_file_whose_indices_lead_out_of_its_dictionary(
    whole_files: Path, tmp_path: Path, contained: Callable[..., Any]
) -> None:
    """A fault that 20,000 files found: the process died of it."""
    argument = {"code": str(Path(__file__).parent), "folder": str(shutil.copytree(whole_files, tmp_path / "folder"))}
    found = contained(FUZZ, {**argument, "counts": {"a.parquet": [5008, 5009]}}, 4000)
    assert found == {"a.parquet": {"refused": 1, "read": 0}}
