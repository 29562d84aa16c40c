"""The wheel contains the package and nothing else, and works once installed."""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: building leaves folders behind.
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("seq2seq", "data", "tests", "checkpoints"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "demo*"))
    shutil.copy(ROOT / "cli.py", source)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_top_level(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"seq2seq"}
    assert "seq2seq/presets/context.toml" in names
    assert shutil.which("c++") is None or any(name.startswith("seq2seq/native/_library.") for name in names)


def test_installed_elsewhere(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*command, str(wheel)], check=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import seq2seq; print(seq2seq.__file__); "
        "from seq2seq.cli import app; app()"
    )

    def run(*arguments: str) -> str:
        full = [sys.executable, "-I", "-c", code, str(site), *arguments]
        return subprocess.run(full, check=True, capture_output=True, text=True, cwd=tmp_path).stdout

    assert str(site) in run("--help")
    script = subprocess.run(
        [str(site / "bin" / "seq2seq"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert script.stdout.startswith("seq2seq ")
    assert "hidden_size = 512" in run("presets", "context")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ziglang") is None, reason="needs ziglang, of the extra `wheels`")
@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="installs the wheel for Linux")
def test_the_cross_compiled_wheel_has_all_instruction_sets(tmp_path: Path) -> None:
    tag = "manylinux2014_x86_64.manylinux_2_17_x86_64"
    command = [sys.executable, str(ROOT / "release" / "wheels.py"), "-o", str(tmp_path), "--platform", tag]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith("seq2seq/native/_library")] == ["seq2seq/native/_library.so"]
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True)
    code = "from seq2seq.native import engine, training; print(engine.isa_levels(), training.isa_levels())"
    levels = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=folder).stdout
        for folder in (site, ROOT)
    ]
    assert levels[0] == levels[1] != b""
