"""The public surface: exported names and commands; help does not import torch."""

import subprocess
import sys

import pytest

import seq2seq
from seq2seq.cli import app

COMMANDS = {
    "train",
    "tune",
    "distill",
    "translate",
    "evaluate",
    "score",
    "rescore",
    "export",
    "bench",
    "info",
    "presets",
}


def test_exported_names() -> None:
    assert set(seq2seq.__all__) == {"Hypothesis", "InputError", "Translator", "__version__"}
    assert all(getattr(seq2seq, name) for name in seq2seq.__all__)


def test_commands() -> None:
    assert {str(command.callback.__name__) for command in app.registered_commands if command.callback} == COMMANDS


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["presets"], ["train", "--help"]])
def test_help_does_not_import_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from seq2seq.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "assert not {'torch', 'numpy', 'sentencepiece', 'sacrebleu'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Tranlator'"):
        seq2seq.Tranlator  # noqa: B018
