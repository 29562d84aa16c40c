"""A toy language pair, tiny settings, and a model trained on them once for all tests."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from seq2seq.config import Config
from seq2seq.presets import build_config
from seq2seq.threads import sleeping_under_contention
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

WORDS = {"un": "one", "deux": "two", "trois": "three", "quatre": "four", "cinq": "five", "six": "six"}


@pytest.fixture(autouse=True)
def _fresh_accelerator() -> Iterator[None]:
    """accelerate keeps its state in a singleton."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def bitext(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """200 pairs of numerals, source and target file."""
    folder = tmp_path_factory.mktemp("bitext")
    draw = random.Random(5)
    sentences = [draw.choices(list(WORDS), k=draw.randint(1, 6)) for _ in range(200)]
    src, tgt = folder / "train.fr", folder / "train.en"
    src.write_text("".join(" ".join(words) + "\n" for words in sentences), encoding="utf-8")
    tgt.write_text("".join(" ".join(WORDS[w] for w in words) + "\n" for words in sentences), encoding="utf-8")
    return src, tgt


@pytest.fixture(scope="session")
def tiny(bitext: tuple[Path, Path]) -> Callable[..., Config]:
    """A configuration that trains in a second; keyword arguments `section__key` override settings."""

    def make(**changes: object) -> Config:
        options: dict[str, object] = {
            "data.train_src": str(bitext[0]),
            "data.train_tgt": str(bitext[1]),
            "tokenizer.vocab_size": 320,
            "model.embedding_size": 8,
            "model.hidden_size": 16,
            "model.context_size": 12,
            "training.batch_tokens": 128,
            "training.max_steps": 8,
            "training.validate_every": 3,
            "training.precision": "float32",
            "search.length_penalty": 1.0,
        }
        options.update({key.replace("__", "."): value for key, value in changes.items()})
        return build_config(options=options)

    return make


@pytest.fixture(scope="session")
def trained(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a model that has begun to learn the numerals."""
    folder = tmp_path_factory.mktemp("runs") / "numerals"
    config = tiny(
        training__max_steps=400,
        training__validate_every=200,
        training__learning_rate=0.01,
        model__hidden_size=48,
        model__dropout=0.1,
    )
    train(config, folder, resume=False, overwrite=False, progress=Progress(quiet=True))
    AcceleratorState._reset_state(reset_partial_state=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _two_threads() -> None:
    """Sums depend on the number of threads, which must not depend on the machine that runs the tests."""
    torch.set_num_threads(2)


@pytest.fixture(scope="session", autouse=True)
def _share_the_machine() -> Iterator[None]:
    """As every command does, so that the tests stay fast on a busy machine."""
    with sleeping_under_contention():
        yield
