"""Check that the same pairs train to the same bytes, whatever their file format.

    python benchmarks/forms.py --src train.de.gz --tgt train.en.gz --src-lang de --tgt-lang en

Writes the bitext in each format (replacing tabs inside sentences by spaces, as TSV cannot represent them), trains a few
steps on each and prints a hash of the weights, the optimiser state and the vocabulary.
"""

import argparse
import csv
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow
import zstandard
from pyarrow import parquet

from seq2seq.io.lines import read_lines

SETTINGS = ("training.max_steps=3", "training.validate_every=3", "model.hidden_size=64")
SHARDS = 4
Rows = list[tuple[str, str]]


def main() -> None:
    """Train on each format and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name in ("--src", "--tgt", "--src-lang", "--tgt-lang"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    codes = (arguments.src_lang, arguments.tgt_lang)
    src, tgt = ([line.replace("\t", " ") for line in read_lines(path)] for path in (arguments.src, arguments.tgt))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        formats = write_formats(list(zip(src, tgt, strict=True)), codes, folder)
        hashes = {form: train(options, codes, folder / f"run{index}") for index, (form, options) in enumerate(formats)}
    for form, digest in hashes.items():
        print(f"{form:<12} {digest}")
    sys.exit(len(set(hashes.values())) > 1)


def write_formats(rows: Rows, codes: tuple[str, str], folder: Path) -> list[tuple[str, list[str]]]:
    """Write the pairs in each format; return its name and the options for its files."""
    sides = [folder / f"pairs.{code}.gz" for code in codes]
    for side, path in enumerate(sides):
        path.write_bytes(gzip.compress("".join(f"{row[side]}\n" for row in rows).encode()))
    objects = [dict(zip(codes, row, strict=True)) for row in rows]
    (folder / "pairs.tsv").write_bytes("".join(f"{src}\t{tgt}\n" for src, tgt in rows).encode())
    with open(folder / "pairs.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([codes, *rows])
    lines = "".join(json.dumps({"translation": pair}) + "\n" for pair in objects)
    (folder / "pairs.jsonl.zst").write_bytes(zstandard.compress(lines.encode()))
    parquet.write_table(pyarrow.table({"translation": objects}), folder / "pairs.parquet")
    (folder / "set" / "data").mkdir(parents=True)
    size = -(-len(objects) // SHARDS)
    for shard in range(SHARDS):
        table = pyarrow.table({"translation": objects[shard * size : (shard + 1) * size]})
        parquet.write_table(table, folder / "set" / "data" / f"train-{shard:05}-of-{SHARDS:05}.parquet")
    tables = [(kind, ["--train", str(folder / f"pairs.{kind}")]) for kind in ("tsv", "csv", "jsonl.zst", "parquet")]
    files = ["--train-src", str(sides[0]), "--train-tgt", str(sides[1])]
    return [("two files", files), *tables, ("dataset", ["--dataset", str(folder / "set")])]


def train(options: list[str], codes: tuple[str, str], run: Path) -> str:
    """Train for a few steps and hash the result."""
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    languages = ["--src-lang", codes[0], "--tgt-lang", codes[1]]
    command = [sys.executable, "-m", "seq2seq", "train", "-q", *options, *languages, *settings, "-o", str(run)]
    subprocess.run(command, check=True)
    step = run / "steps" / "3"
    files = (step / "model.safetensors", step / "state" / "optimizer.safetensors", step / "joint.model")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    main()
