"""The commands of the compared toolkits, for models of the same size.

A GRU encoder with 256 units per direction and a GRU decoder of 512 with attention, embeddings of 256, one layer,
dropout 0.3, Adam, about 80 sentences per batch. The peers use additive attention with input feeding, in float32.
"""

import json
import re
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from corpus import SPECIALS, Corpus
from typing_extensions import override

LAUNCH = str(Path(__file__).with_name("launch.py"))
REPORT_EVERY = 20


class Toolkit(ABC):
    """A program that trains translation models."""

    name: str

    @abstractmethod
    def training(self, corpus: Corpus, folder: Path, steps: int, save_every: int) -> list[str]:
        """Training command for a model in `folder`, whose output goes to `folder.log`."""

    @abstractmethod
    def speeds(self, folder: Path) -> list[float]:
        """Target tokens per second, padding not counted, for every REPORT_EVERY steps, as the program reports them."""


class Ours(Toolkit):
    """This project, with options for `train`."""

    def __init__(self, name: str, *options: str) -> None:
        self.name, self.options = name, options

    @override
    def training(self, corpus: Corpus, folder: Path, steps: int, save_every: int) -> list[str]:
        """Training command; with 0 steps, the options decide the length."""
        command = [sys.executable, "-m", "seq2seq", "train", "-o", str(folder), "--overwrite", *self.options]
        for side, language in (("src", corpus.src), ("tgt", corpus.tgt)):
            command += [f"--train-{side}", str(corpus.file("train", language)), f"--{side}-lang", language]
            command += [f"--valid-{side}", str(corpus.file("valid", language))]
        limit = ["--set", f"training.max_steps={steps}"] if steps else []
        return [*command, *limit, "--set", f"training.validate_every={save_every}"]

    @override
    def speeds(self, folder: Path) -> list[float]:
        return [line["target_tokens_per_second"] for line in self._metrics(folder) if "target_tokens" in line]

    def bleus(self, folder: Path) -> list[float]:
        """Greedy validation BLEU so far."""
        return [line["valid_bleu"] for line in self._metrics(folder) if "valid_bleu" in line]

    def translation(self, model: Path, corpus: Corpus, lines: int, output: Path, beam: int, batch: int) -> list[str]:
        """Translation command for the first lines of the validation source."""
        command = [sys.executable, "-m", "seq2seq", "translate", str(model), "-o", str(output)]
        source = str(corpus.first(lines, pieces=False))
        return [*command, "-i", source, "--beam-size", str(beam), "--batch-size", str(batch)]

    @staticmethod
    def _metrics(folder: Path) -> list[dict[str, float]]:
        path = folder / "metrics.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]


class OpenNMT(Toolkit):
    """OpenNMT-py 3.5.1."""

    name = "OpenNMT-py"
    program = "onmt-train"
    network = "-encoder_type brnn -decoder_type rnn -rnn_type GRU -word_vec_size 256 -hidden_size 512 -layers 1 \
        -global_attention mlp -input_feed 1 -bridge true -param_init 0.1 \
        -learning_rate 0.001 -optim adam -decay_method none"

    def __init__(self, python: str) -> None:
        self.python = python

    @override
    def training(self, corpus: Corpus, folder: Path, steps: int, save_every: int) -> list[str]:
        paths = [
            {
                "path_src": str(corpus.file(split, corpus.src, True)),
                "path_tgt": str(corpus.file(split, corpus.tgt, True)),
            }
            for split in ("train", "valid")
        ]
        settings = folder.with_suffix(".yaml")  # JSON is valid YAML
        vocabulary = {"src_vocab": str(corpus.vocabulary), "share_vocab": True, "vocab_size_multiple": 1}
        settings.write_text(json.dumps({"data": {"corpus": paths[0], "valid": paths[1]}, **vocabulary}))
        files = ["-config", str(settings), "-save_model", str(folder / "model")]
        options = f"-train_steps {steps} -save_checkpoint_steps {save_every} -valid_steps {steps} \
            -report_every {REPORT_EVERY} -batch_type sents -batch_size 80 -normalization tokens -bucket_size 29000 \
            -num_workers 0 -max_grad_norm 1 -dropout 0.3 -seed 1"
        return [self.python, LAUNCH, self.program, *files, *options.split(), *self.network.split()]

    @override
    def speeds(self, folder: Path) -> list[float]:
        return [float(speed) for speed in re.findall(r"/ *(\d+) tok/s", folder.with_suffix(".log").read_text())]

    def checkpoints(self, folder: Path) -> list[Path]:
        """Checkpoints so far, oldest first; one modified less than a second ago may be incomplete and is skipped."""
        complete = (path for path in folder.glob("model_step_*.pt") if time.time() - path.stat().st_mtime > 1)
        return sorted(complete, key=lambda path: int(path.stem.rsplit("_", 1)[1]))

    def translation(self, model: Path, corpus: Corpus, lines: int, output: Path, beam: int, batch: int) -> list[str]:
        """Translation command for the first lines of the validation source."""
        files = ["-model", str(model), "-src", str(corpus.first(lines, pieces=True)), "-output", str(output)]
        sizes = ["-beam_size", str(beam), "-batch_size", str(batch), "-max_length", "80"]
        return [self.python, LAUNCH, "onmt-translate", *files, *sizes]


class OpenNMTTransformer(OpenNMT):
    """Its transformer with about as many parameters, 3 + 3 layers of 256; trained in bf16, as speed is irrelevant."""

    name = "OpenNMT-py transformer"
    program = "onmt-train-bf16"
    network = "-encoder_type transformer -decoder_type transformer -word_vec_size 256 -hidden_size 256 -layers 3 \
        -heads 4 -transformer_ff 1024 -position_encoding true -optim adam -adam_beta2 0.998 -decay_method noam \
        -warmup_steps 1000 -learning_rate 0.7 -label_smoothing 0.1 -param_init 0 -param_init_glorot"


class Joey(Toolkit):
    """Joey NMT 2.3.0."""

    name = "Joey NMT"

    def __init__(self, python: str) -> None:
        self.python = python

    @override
    def training(self, corpus: Corpus, folder: Path, steps: int, save_every: int) -> list[str]:
        settings = folder.with_suffix(".yaml")
        settings.write_text(json.dumps(self._settings(corpus, folder, steps, save_every)))
        return [self.python, LAUNCH, "joey", "train", str(settings), "-t"]

    @override
    def speeds(self, folder: Path) -> list[float]:
        return [float(speed) for speed in re.findall(r"Tokens per Sec: *(\d+)", folder.with_suffix(".log").read_text())]

    @staticmethod
    def _settings(corpus: Corpus, folder: Path, steps: int, save_every: int) -> dict[str, object]:
        side = {
            "level": "bpe",
            "max_length": 100,
            "voc_file": str(corpus.vocabulary),
            "tokenizer_type": "sentencepiece",
            "tokenizer_cfg": {"model_file": str(corpus.tokenizer)},
        }
        ids = {f"{name}_id": index for index, name in enumerate(SPECIALS)}
        tokens = {f"{name}_token": token for name, token in SPECIALS.items()}
        data = {"train": str(corpus.folder / "train"), "dev": str(corpus.folder / "valid"), "dataset_type": "plain"}
        part = {
            "rnn_type": "gru",
            "embeddings": {"embedding_dim": 256, "dropout": 0.3},
            "dropout": 0.3,
            "num_layers": 1,
        }
        decoder = {"hidden_size": 512, "hidden_dropout": 0.3, "input_feeding": True, "init_hidden": "bridge"}
        return {
            "name": "gru",
            "model_dir": str(folder),
            "use_cuda": False,
            "data": {
                **data,
                "src": {"lang": corpus.src, **side},
                "trg": {"lang": corpus.tgt, **side},
                "special_symbols": {**tokens, **ids},
            },
            "testing": {"beam_size": 1, "eval_metrics": ["bleu"], "max_output_length": 80},
            "training": {
                "optimizer": "adam",
                "learning_rate": 0.001,
                "clip_grad_norm": 1.0,
                "batch_size": 80,
                "batch_type": "sentence",
                "normalization": "tokens",
                "scheduling": "plateau",
                "epochs": 100,
                "updates": steps,
                "validation_freq": save_every,
                "logging_freq": REPORT_EVERY,
                "early_stopping_metric": "bleu",
                "overwrite": True,
            },
            "model": {
                "encoder": {**part, "type": "recurrent", "hidden_size": 256, "bidirectional": True},
                "decoder": {**part, **decoder, "type": "recurrent", "attention": "bahdanau"},
            },
        }
