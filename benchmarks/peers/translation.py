"""Translation beside OpenNMT-py, and CTranslate2 with its transformer in int8, by whole commands.

    python benchmarks/peers/translation.py --python peers/bin/python --work WORK --ours RUN --onmt MODEL.pt \\
        [--transformer MODEL.pt] [--lines 1000] [--rounds 2]

After `training.py --bleu` with the same WORK, which leaves the models there. A row for each way and beam: seconds of a
command for one line, which is the time to its first line; then, with that taken off, sentences a second of the first
lines of the validation source in batches of 64, and milliseconds a sentence, one by one; BLEU of those lines. Median of
the rounds, which take turns. Ours translates in as many threads as there are cores; CTranslate2 has as many workers.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from corpus import Corpus
from toolkits import LAUNCH, OpenNMT, Ours

ALONE = 300
Command = Callable[[int, Path, int, int], list[str]]
"""lines, output, beam size, batch size -> words of the command."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", required=True, help="of the environment of the peers")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--languages", nargs=2, default=["de", "en"], metavar="CODE")
    parser.add_argument("--ours", type=Path, required=True)
    parser.add_argument("--onmt", type=Path, required=True)
    parser.add_argument("--transformer", type=Path)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    corpus = Corpus(arguments.work / "corpus", *arguments.languages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, onmt, int8, listed = Ours("seq2seq"), OpenNMT(arguments.python), folder / "int8", folder / "listed"
        for model, *further in ((int8,), (listed, "--shortlist")):
            run([sys.executable, "-m", "seq2seq", "export", str(arguments.ours), "-o", str(model), "--int8", *further])
        ways: dict[str, tuple[Command, bool]] = {
            "OpenNMT-py": (partial(onmt.translation, arguments.onmt, corpus), True),
            "seq2seq": (partial(ours.translation, arguments.ours, corpus), False),
            "seq2seq, int8": (partial(ours.translation, int8, corpus), False),
            "seq2seq, int8, shortlist": (partial(ours.translation, listed, corpus), False),
        }
        if arguments.transformer:
            model = folder / "ct2"
            convert = [arguments.python, LAUNCH, "ct2-convert", "--model_path", str(arguments.transformer)]
            run([*convert, "--output_dir", str(model), "--quantization", "int8", "--unsafe_deserialization"])
            ways["CTranslate2 transformer, int8"] = partial(ctranslate2, arguments.python, model, corpus), True
        compare(ways, corpus, folder / "output", arguments.lines, arguments.rounds)


def compare(ways: dict[str, tuple[Command, bool]], corpus: Corpus, output: Path, lines: int, rounds: int) -> None:
    """Run all in turns and print a row for each way and beam."""
    times: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    bleu: dict[tuple[str, int], float] = {}
    for _ in range(rounds):
        for name, (command, pieces) in ways.items():
            for beam in (5, 1):
                measured = [run(command(*job)) for job in ((1, output, beam, 1), (ALONE, output, beam, 1))]
                measured.append(run(command(lines, output, beam, 64)))
                times.setdefault((name, beam), []).append((measured[0], measured[1], measured[2]))
                bleu[name, beam] = corpus.bleu(output, pieces)
    print("| | beam | sentences/s | one sentence, ms | first line, s | BLEU |\n|---|---|---|---|---|---|")
    for (name, beam), found in times.items():
        first = median(one for one, _, _ in found)
        alone = 1000 * (median(some for _, some, _ in found) - first) / (ALONE - 1)
        speed = (lines - 1) / (median(every for _, _, every in found) - first)
        print(f"| {name} | {beam} | {speed:,.0f} | {alone:.2f} | {first:.2f} | {bleu[name, beam]:.2f} |", flush=True)


def ctranslate2(python: str, model: Path, corpus: Corpus, lines: int, output: Path, beam: int, batch: int) -> list[str]:
    """The command that translates the first lines of the validation source."""
    sizes = [str(number) for number in (beam, batch, os.cpu_count())]
    return [python, LAUNCH, "ct2-translate", str(model), str(corpus.first(lines, pieces=True)), str(output), *sizes]


def run(command: list[str]) -> float:
    """Seconds that a command takes."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
