"""Start a peer with a torch newer than it supports. Runs in the peers' environment.

    python launch.py onmt-train|onmt-train-bf16|onmt-translate|joey|ct2-convert|ct2-translate ARGUMENTS

Patches what has changed since the peers were released: torch loads any pickle again, the scheduler accepts `verbose`,
the SentencePiece tokenizer accepts a vocabulary; packages of unused transforms are mocked.
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
            # It does not support bf16, and autocasts each step for a GPU: autocast to bf16 on the CPU instead.
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
    """Rename the attention type of a checkpoint: CTranslate2 only supports its older name. The weights are the same."""

    def load_and_rename(*arguments: Any, **options: Any) -> Any:
        checkpoint = load(*arguments, **options)
        checkpoint["opt"].self_attn_type = "scaled-dot"
        return checkpoint

    return load_and_rename


def patch_joey() -> None:
    """Patch what breaks Joey NMT 2.3.0 with current libraries."""
    builders: Any = importlib.import_module("joeynmt.builders")
    tokenizers: Any = importlib.import_module("joeynmt.tokenizers")
    scheduler = builders.ReduceLROnPlateau
    builders.ReduceLROnPlateau = lambda optimizer, verbose, **options: scheduler(optimizer, **options)
    # The vocabulary is that of the SentencePiece model, so there is nothing to set.
    tokenizers.SentencePieceTokenizer.set_vocab = tokenizers.BasicTokenizer.set_vocab


def translate_with_ctranslate2(model: str, source: str, output: str, beam: str, batch: str, workers: str) -> None:
    """Translate a file of pieces with an int8 model, one thread per worker."""
    ctranslate2: Any = importlib.import_module("ctranslate2")
    translator = ctranslate2.Translator(model, compute_type="int8", inter_threads=int(workers), intra_threads=1)
    sentences = [line.split() for line in Path(source).read_text(encoding="utf-8").splitlines()]
    results = translator.translate_batch(sentences, beam_size=int(beam), max_batch_size=int(batch))
    lines = [" ".join(result.hypotheses[0]) for result in results]
    Path(output).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    start(sys.argv.pop(1))
