"""Training learns to reverse sentences through one context vector."""

import random
from collections.abc import Callable
from pathlib import Path

from seq2seq import Translator
from seq2seq.config import Config
from seq2seq.evaluation.metrics import score_corpus
from seq2seq.training.progress import Progress
from seq2seq.training.run import train

WORDS = ["ka", "lo", "mi", "ne", "pu", "ra", "si", "to"]


def write_task(folder: Path, split: str, count: int, draw: random.Random) -> tuple[list[str], list[str]]:
    sentences = [draw.choices(WORDS, k=draw.randint(1, 6)) for _ in range(count)]
    src, tgt = [" ".join(words) for words in sentences], [" ".join(words[::-1]) for words in sentences]
    for side, lines in (("src", src), ("tgt", tgt)):
        (folder / f"{split}.{side}").write_text("".join(line + "\n" for line in lines))
    return src, tgt


def test_reversal_is_learnt(tiny: Callable[..., Config], tmp_path: Path) -> None:
    draw = random.Random(1)
    write_task(tmp_path, "train", 4000, draw)
    write_task(tmp_path, "valid", 100, draw)
    src, tgt = write_task(tmp_path, "test", 300, draw)
    config = tiny(
        **{
            f"data__{split}_{side}": str(tmp_path / f"{split}.{side}")
            for split in ("train", "valid")
            for side in ("src", "tgt")
        },
        model__embedding_size=32,
        model__hidden_size=128,
        model__context_size=128,
        model__dropout=0.0,
        training__label_smoothing=0.0,
        training__learning_rate=0.003,
        training__warmup_steps=50,
        training__batch_tokens=512,
        training__max_steps=1500,
        training__validate_every=300,
    )
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    (bleu,) = score_corpus(Translator.load(tmp_path / "run").translate(src), [tgt], metrics=["BLEU"])
    assert bleu.score >= 98


def test_patience_ends_a_training_that_stops_improving(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__learning_rate=1e-12, training__patience=2, training__max_steps=100)
    state = train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    assert state.finished
    assert state.step < 100
    assert state.validations_since_best == 2
