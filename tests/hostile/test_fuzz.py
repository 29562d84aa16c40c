"""Random faults in the files of each reader: no crash, no traceback, no hang, and bounded memory.

`make fuzz` tries 20,000 files per reader. A failure names the reader and the seed.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app

from .fuzz_files import write_files
from .fuzzing import READERS

COUNT = int(os.environ.get("SEQ2SEQ_FUZZ", "300"))
FUZZ = """
from pathlib import Path
sys.path.insert(0, argument["code"])
from fuzzing import fuzz
result = fuzz(argument["counts"], Path(argument["folder"]))
"""
# Memory limits in MB of the readers that need more. Much of what torch and other libraries reserve is unused.
HEAVY = {"a.arrow": 4000, "a.parquet": 4000, "dataset": 4000, "model": 6000, "shortlist": 6000, "run": 6000}
GROUPS = {
    "text": ([reader for reader in READERS if reader not in HEAVY], 1500),
    **{f"{memory} MB": ([reader for reader in HEAVY if HEAVY[reader] == memory], memory) for memory in (4000, 6000)},
}
# Readers that take 20 ms or more per file, and the factor by which they get fewer files.
SLOW = {"a.ods": 10, "a.xls": 25, "a.xlsx": 10, "dataset": 10, "run": 10, "model": 2, "shortlist": 2}
PER_PROCESS = 1000


@pytest.fixture(scope="module")
def valid_files(model: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid")
    write_files(folder)
    shutil.copytree(model, folder / "model")
    shutil.copytree(trained, folder / "trained")
    result = CliRunner().invoke(app, ["export", str(trained), "-o", str(folder / "listed"), "--shortlist", "--int8"])
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.mark.parametrize("group", GROUPS)
def test_files_with_random_faults_are_read_or_refused(
    group: str, valid_files: Path, tmp_path: Path, run_isolated: Callable[..., Any]
) -> None:
    folder = shutil.copytree(valid_files, tmp_path / "folder")
    readers, megabytes = GROUPS[group]
    ends = {reader: COUNT if COUNT > 300 else COUNT // SLOW.get(reader, 1) for reader in readers}
    totals = {reader: {"refused": 0, "read": 0} for reader in readers}
    for start in range(0, COUNT, PER_PROCESS):
        counts = {reader: [start, min(end, start + PER_PROCESS)] for reader, end in ends.items()}
        argument = {"code": str(Path(__file__).parent), "counts": counts, "folder": str(folder)}
        try:
            counted = run_isolated(FUZZ, argument, megabytes, seconds=3000)
        except AssertionError as error:
            pytest.fail(f"{(folder / 'seed').read_text()}: {error}")
        for reader, numbers in counted.items():
            totals[reader] = {name: totals[reader][name] + numbers[name] for name in numbers}
    print(totals)
    for reader, end in ends.items():
        assert sum(totals[reader].values()) == end
        assert min(totals[reader].values()) > 0, f"{reader}: all files or none were refused, which tests little"


def test_a_parquet_file_with_indices_beyond_its_dictionary(
    valid_files: Path, tmp_path: Path, run_isolated: Callable[..., Any]
) -> None:
    """Found by fuzzing 20,000 files: it crashed the process."""
    argument = {"code": str(Path(__file__).parent), "folder": str(shutil.copytree(valid_files, tmp_path / "folder"))}
    counted = run_isolated(FUZZ, {**argument, "counts": {"a.parquet": [5008, 5009]}}, 4000)
    assert counted == {"a.parquet": {"refused": 1, "read": 0}}
