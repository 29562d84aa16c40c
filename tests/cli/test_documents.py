"""The documents name only commands, options and files that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from seq2seq.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")]


def commands(command: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    command = command or typer.main.get_command(app)
    for word, sub_command in getattr(command, "commands", {}).items():
        yield from commands(sub_command, f"{name} {word}".strip())
    if not hasattr(command, "commands"):
        yield name, command


COMMANDS = dict(commands())
GLOBAL = {"--help", "--version", "--debug", "--install-completion", "--show-completion"}


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def command_lines(text: str) -> Iterator[str]:
    """What follows `seq2seq` in code, with continued lines joined."""
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) + re.findall(r"`(seq2seq [^`]+)`", text)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if match := re.search(r"(?:^|(?<!from)[ $(|/.])seq2seq ([a-z].*)", line):
                yield match[1].split(" #")[0].split(" | ")[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines_have_only_options_that_exist(path: Path) -> None:
    for line in command_lines(path.read_text(encoding="utf-8")):
        words = line.split()
        name = next((name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS), None)
        if name is None:
            assert words[0] in {"COMMAND", "data", "plot", "..."} or not words[0].isalpha(), line
            continue
        named = set(re.findall(r"(?<!\S)(--[a-z][a-z0-9-]*)", line))
        assert named <= options_of(COMMANDS[name]) | GLOBAL, line


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.split()[0] not in ("score", "rescore")])
def test_each_command_has_a_page(name: str) -> None:
    page = "plot" if name.startswith("plot") else name.replace(" ", "-")
    text = (ROOT / "docs" / "commands" / f"{page}.md").read_text(encoding="utf-8")
    assert f"seq2seq {name}" in text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target
    for name in re.findall(r"`((?:seq2seq|tests|benchmarks)/[\w/.-]+\.(?:py|cpp|hpp))`", text):
        assert (ROOT / name).exists(), name
