"""The rooms of the house: imports go downwards only."""

import ast
import re
from pathlib import Path

import pytest

import seq2seq

PACKAGE = Path(seq2seq.__file__).parent
# From the top down; rooms on one line may not import each other.
FLOORS = [
    {"cli"},
    {"training"},
    {"inference", "scoring", "analysis"},
    {"evaluation"},
    {"runs"},
    {"model"},
    {"native"},
    {"search"},
    {"data"},
    {"tokenizer"},
    {"io", "presets", "distributed"},
    {"config"},
    {"architectures", "errors", "signals", "threads"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "seq2seq":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("seq2seq.")}
    return rooms & FLOOR.keys()


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or not path.name.startswith("__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"{room} is no room of the house: give it a floor here"
    upward = {other for other in imported_rooms(path) if other != room and FLOOR[other] <= FLOOR[room]}
    assert not upward


@pytest.mark.parametrize(
    "room",
    ["architectures", "config", "data", "errors", "evaluation", "inference", "io", "native", "threads", "tokenizer"],
)
def test_these_rooms_do_without_torch(room: str) -> None:
    for path in (p for p in FILES if room_of(p) == room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "torch" for name in names), path


def test_nothing_that_runs_code_is_read() -> None:
    unsafe = re.compile(r"pickle|from yaml|yaml\.(?!safe_load)|(?<!safetensors\.)torch\.(load|save)\(")
    for path in FILES:
        assert not unsafe.search(path.read_text(encoding="utf-8")), path
