"""A small untrained model, and a process with limited memory in which to open hostile files."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.io.manifest import FolderWriter
from seq2seq.presets import build_config
from seq2seq.runs.trained_model import TrainedModel, build_network, write_model
from seq2seq.tokenizer.tokenizer import Tokenizers
from seq2seq.tokenizer.training import train_tokenizer

SENTENCE = "un deux trois quatre cinq six"


def _publish(path: Path, joint: bool, model_type: str) -> Path:
    src = train_tokenizer([SENTENCE] * 50, Counter(SENTENCE * 50), 300, model_type)
    tgt = src if joint else train_tokenizer([SENTENCE] * 50, Counter(SENTENCE * 50), 290, model_type)
    options = {"model.embedding_size": 8, "model.hidden_size": 16, "model.context_size": 12, "tokenizer.joint": joint}
    config = build_config(options=options)
    tokenizers = Tokenizers(src, tgt, normalize=True)
    torch.manual_seed(1)
    folder = FolderWriter(path)
    write_model(folder, TrainedModel(config, build_network(config, tokenizers), tokenizers), {"step": 3, "bleu": 1.5})
    return folder.publish()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with one vocabulary."""
    return _publish(tmp_path_factory.mktemp("models") / "joint", joint=True, model_type="unigram")


@pytest.fixture(scope="session")
def model_of_two_vocabularies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _publish(tmp_path_factory.mktemp("models") / "two", joint=False, model_type="bpe")


@pytest.fixture(scope="session")
def run_isolated() -> Callable[..., Any]:
    """Run Python code in a separate process, with `argument` as a variable; return its `result`.

    megabytes: its address space. A process that needs more, or more `seconds` of processor time, fails the test.
    """

    def run(code: str, argument: object, megabytes: int, seconds: int = 120) -> Any:
        limits = (
            "import json, resource, sys\n"
            f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20}, {megabytes << 20}))\n"
            f"resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))\n"
            "argument = json.loads(sys.argv[1])\n"
        )
        report = "\nsys.stdout.write('\\n' + json.dumps(result))"
        command = [sys.executable, "-c", limits + code + report, json.dumps(argument)]
        process = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert process.returncode == 0, (process.returncode, process.stderr[-3000:])
        return json.loads(process.stdout.splitlines()[-1])

    return run
