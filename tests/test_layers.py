"""Import layers: a module imports only from the layers below its own."""

import ast
import re
from pathlib import Path

import pytest

import seq2seq

PACKAGE = Path(seq2seq.__file__).parent
# From the top down; modules of one layer may not import each other.
LAYERS = [
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
LAYER = {module: number for number, modules in enumerate(LAYERS) for module in modules}


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "seq2seq":
            parts = node.module.split(".")
            modules |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("seq2seq.")}
    return modules & LAYER.keys()


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or not path.name.startswith("__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    module = module_of(path)
    assert module in LAYER, f"{module} has no layer: add it to LAYERS"
    upward = {name for name in imported_modules(path) if name != module and LAYER[name] <= LAYER[module]}
    assert not upward


@pytest.mark.parametrize(
    "module",
    ["architectures", "config", "data", "errors", "evaluation", "inference", "io", "native", "threads", "tokenizer"],
)
def test_these_modules_do_not_import_torch(module: str) -> None:
    for path in (p for p in FILES if module_of(p) == module):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "torch" for name in names), path


def test_unsafe_deserialisation_is_not_used() -> None:
    unsafe = re.compile(r"pickle|from yaml|yaml\.(?!safe_load)|(?<!safetensors\.)torch\.(load|save)\(")
    for path in FILES:
        assert not unsafe.search(path.read_text(encoding="utf-8")), path
