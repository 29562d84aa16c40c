"""Starts a peer on a torch that is newer than it. Runs in the peers' environment.

    python launch.py onmt-train|onmt-train-bf16|onmt-translate|joey|ct2-convert|ct2-translate ARGUMENTS

What has changed since they were released is put back before they start: torch loads any pickle again, a scheduler may
be told to be silent, SentencePiece may be told its vocabulary by a list; packages of transforms that nobody asks for
stand in as mocks.
"""

import functools
import importlib
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import torch


def start(program: str) -> None:
    """Run the program with the rest of the command line."""
    torch.load = functools.partial(torch.load, weights_only=False)
    for missing in ("ahocorasick", "fasttext", "spacy"):
        sys.modules.setdefault(missing, MagicMock())
    if program == "ct2-convert":
        torch.load = with_plain_attention(torch.load)
    if program == "ct2-translate":
        translate_with_ctranslate2(*sys.argv[1:])
    elif program == "joey":
        patch_joey()
        importlib.import_module("joeynmt.__main__").main()
    else:
        if program == "onmt-train-bf16":
            # It knows no bf16, and asks for a GPU's types around each step: those of the processor in their place.
            amp: Any = torch.cuda.amp
            amp.autocast = lambda enabled: torch.autocast("cpu", torch.bfloat16)
        module = {
            "onmt-train": "onmt.bin.train",
            "onmt-train-bf16": "onmt.bin.train",
            "onmt-translate": "onmt.bin.translate",
            "ct2-convert": "ctranslate2.converters.opennmt_py",
        }[program]
        importlib.import_module(module).main()


def with_plain_attention(load: Any) -> Any:
    """CTranslate2 knows the attention of OpenNMT-py by its older name alone; the weights are the same."""

    def load_and_rename(*arguments: Any, **options: Any) -> Any:
        checkpoint = load(*arguments, **options)
        checkpoint["opt"].self_attn_type = "scaled-dot"
        return checkpoint

    return load_and_rename


def patch_joey() -> None:
    """Undo what breaks Joey NMT 2.3.0 today."""
    builders: Any = importlib.import_module("joeynmt.builders")
    tokenizers: Any = importlib.import_module("joeynmt.tokenizers")
    scheduler = builders.ReduceLROnPlateau
    builders.ReduceLROnPlateau = lambda optimizer, verbose, **options: scheduler(optimizer, **options)
    # The vocabulary is that of the model, so there is nothing to be told.
    tokenizers.SentencePieceTokenizer.set_vocab = tokenizers.BasicTokenizer.set_vocab


def translate_with_ctranslate2(model: str, source: str, output: str, beam: str, batch: str, workers: str) -> None:
    """Translate a file of pieces by an int8 model, one thread a worker."""
    ctranslate2: Any = importlib.import_module("ctranslate2")
    translator = ctranslate2.Translator(model, compute_type="int8", inter_threads=int(workers), intra_threads=1)
    sentences = [line.split() for line in Path(source).read_text(encoding="utf-8").splitlines()]
    found = translator.translate_batch(sentences, beam_size=int(beam), max_batch_size=int(batch))
    lines = [" ".join(one.hypotheses[0]) for one in found]
    Path(output).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    start(sys.argv.pop(1))
