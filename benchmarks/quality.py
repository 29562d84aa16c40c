"""BLEU of complete trainings, with `seq2seq train` and `evaluate` as a user runs them.

    python benchmarks/quality.py --data multi30k --pair de-en --pair en-de --preset context attention --minutes 5 15
    python benchmarks/quality.py --data multi30k --pair de-en --first 2000 5000 10000 -- --set model.dropout=0.3

DATA contains `train.LANG.gz`, `val.LANG.gz` and, for --test, `test_2016_flickr.LANG.gz`. Options after -- are passed to
`train`. Prints one row per training: wall time of the command, parameters, steps, validation BLEU (greedy, then with
the model's search settings). Choose settings by these; then --test adds the test set: sacreBLEU, and BLEU of
lower-cased Moses tokens with normalised punctuation, as in many papers (needs `pip install sacremoses`).
"""

import argparse
import gzip
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sacrebleu

from seq2seq.io.lines import read_lines

HEADER = "| pair | preset | pairs | minutes | wall | parameters | steps | valid, greedy | valid, beam |"


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pair", action="append", required=True, help="languages, for example de-en; repeat for more")
    parser.add_argument("--preset", nargs="+", default=["context"])
    parser.add_argument("--minutes", nargs="+", type=float, default=[15.0])
    parser.add_argument("--first", nargs="+", type=int, default=[0], help="train on the first pairs only; 0 for all")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("train_options", nargs="*", help="options of `seq2seq train`, after --")
    arguments = parser.parse_args()
    print(HEADER + (" test BLEU | test, tokenised, lower-cased |" if arguments.test else ""))
    print("|---" * (HEADER.count("|") - 1 + 2 * arguments.test) + "|", flush=True)
    settings = itertools.product(arguments.pair, arguments.preset, arguments.first, arguments.minutes)
    for pair, preset, first, minutes in settings:
        with tempfile.TemporaryDirectory() as folder:
            options = ["--preset", preset, "--minutes", str(minutes), *arguments.train_options]
            cells = measure(arguments.data, pair, first, Path(folder), options, arguments.test)
        print(f"| {pair} | {preset} | {first or 'all'} | {minutes:g} | " + " | ".join(cells) + " |", flush=True)


def measure(data: Path, pair: str, first: int, folder: Path, options: list[str], test: bool) -> list[str]:
    """Train in `folder` and return the cells of the row from the wall time on."""
    run, sides = folder / "run", pair.split("-")
    command = ["train", "-o", str(run), "--src-lang", sides[0], "--tgt-lang", sides[1], *options]
    for side, language in zip(("src", "tgt"), sides, strict=True):
        command += [f"--train-{side}", str(shortened(data / f"train.{language}.gz", first, folder))]
        command += [f"--valid-{side}", str(data / f"val.{language}.gz")]
    started = time.monotonic()
    seq2seq(*command)
    wall = (time.monotonic() - started) / 60
    facts = json.loads(seq2seq("info", str(run), "--json"))["facts"]
    valid = bleu(run, data, "val", sides, folder)
    cells = [f"{wall:.1f}", f"{facts['parameters']:,}", f"{facts['step']:,}"]
    cells += [f"{bleu(run, data, 'val', sides, folder, '--beam-size', '1'):.2f}", f"{valid:.2f}"]
    if test:
        cells.append(f"{bleu(run, data, 'test_2016_flickr', sides, folder):.2f}")
        cells.append(f"{tokenised_bleu(folder / 'output', data / f'test_2016_flickr.{sides[1]}.gz', sides[1]):.2f}")
    return cells


def shortened(path: Path, first: int, folder: Path) -> Path:
    """The file itself, or a copy of its first lines."""
    if not first:
        return path
    short = folder / path.name
    lines = itertools.islice(read_lines(str(path)), first)
    short.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return short


def bleu(run: Path, data: Path, name: str, sides: list[str], folder: Path, *options: str) -> float:
    """BLEU of a run's best model on a file; leaves the translations in `output`."""
    src, ref = (str(data / f"{name}.{language}.gz") for language in sides)
    scores: Any = json.loads(
        seq2seq("evaluate", str(run), "--src", src, "--ref", ref, "-o", str(folder / "output"), "--json", *options)
    )
    return float(next(score["score"] for score in scores if score["name"] == "BLEU"))


def tokenised_bleu(output: Path, reference: Path, language: str) -> float:
    """BLEU of lower-cased Moses tokens with normalised punctuation."""
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    normalise, tokenise = MosesPunctNormalizer(language).normalize, MosesTokenizer(language).tokenize
    hypotheses, references = (
        [tokenise(normalise(line), return_str=True, escape=False).lower() for line in read_lines(str(path))]
        for path in (output, reference)
    )
    return float(sacrebleu.corpus_bleu(hypotheses, [references], tokenize="none", force=True).score)


def seq2seq(*words: str) -> str:
    """Run a command and return its stdout; errors and progress go to stderr."""
    return subprocess.run([sys.executable, "-m", "seq2seq", *words], check=True, stdout=subprocess.PIPE).stdout.decode()


if __name__ == "__main__":
    main()
