"""What `data.normalize` changes in a corpus, and scores of trainings with and without it.

    python benchmarks/normalization.py --train train.de.gz train.en.gz --valid val.de.gz val.en.gz -- --preset attention

Prints the lines of each file that normalisation changes, apart from white space at their ends; then one row per
training: BLEU and chrF (sacreBLEU, against the references as they are) on the validation sources as they are, and on
the same sources as another program may save them: NFD, with no-break spaces and a zero-width space at the end. Options
after -- are passed to `train`; fix `training.max_steps`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.normalization import source_form, target_form


def main() -> None:
    """Count, train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name in ("--train", "--valid"):
        parser.add_argument(name, type=Path, nargs=2, required=True, metavar=("SRC", "TGT"))
    parser.add_argument("train_options", nargs="*", help="options of `seq2seq train`, after --")
    arguments = parser.parse_args()
    for path, form in zip((*arguments.train, *arguments.valid), (source_form, target_form) * 2, strict=True):
        lines = list(read_lines(path))
        print(f"{path}: {sum(line.strip() != form(line) for line in lines):,} of {len(lines):,} lines change")
    print("| data.normalize | BLEU, chrF | in NFD with no-break spaces |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        unusual = Path(folder) / "unusual"
        lines = [unicodedata.normalize("NFD", line) for line in read_lines(arguments.valid[0])]
        unusual.write_text("".join(line.replace(" ", "\u00a0") + "\u200b\n" for line in lines), encoding="utf-8")
        for normalize in ("true", "false"):
            run = Path(folder) / normalize
            train(
                run, arguments.train, arguments.valid, [*arguments.train_options, f"--set=data.normalize={normalize}"]
            )
            cells = [scores(run, sources, arguments.valid[1]) for sources in (arguments.valid[0], unusual)]
            print(f"| {normalize} | {' | '.join(cells)} |", flush=True)


def train(run: Path, pairs: Sequence[Path], valid: Sequence[Path], options: Sequence[str]) -> None:
    """Train a model on the files, with these for validation."""
    files = {"--train-src": pairs[0], "--train-tgt": pairs[1], "--valid-src": valid[0], "--valid-tgt": valid[1]}
    seq2seq("train", "-o", str(run), *(f"{option}={path}" for option, path in files.items()), *options)


def scores(run: Path, sources: Path, references: Path) -> str:
    """BLEU and chrF of a run's best model, with its own search settings."""
    metrics: Any = json.loads(seq2seq("evaluate", str(run), "--src", str(sources), "--ref", str(references), "--json"))
    return ", ".join(f"{metric['score']:.2f}" for metric in metrics if metric["name"] in ("BLEU", "chrF"))


def seq2seq(*words: str) -> str:
    """Run a command and return its stdout; errors and progress go to stderr."""
    return subprocess.run([sys.executable, "-m", "seq2seq", *words], check=True, stdout=subprocess.PIPE).stdout.decode()


if __name__ == "__main__":
    main()
