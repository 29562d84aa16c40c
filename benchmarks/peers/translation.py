"""Translation compared with OpenNMT-py and with its transformer in CTranslate2 (int8), timing whole commands.

    python benchmarks/peers/translation.py --python peers/bin/python --work WORK --ours RUN --onmt MODEL.pt \\
        [--transformer MODEL.pt] [--lines 1000] [--rounds 2]

Run `training.py --bleu` with the same WORK first, which leaves the models there. Prints one row per system and beam
size: sentences per second for the first lines of the validation source in batches of 64 and milliseconds per sentence
in batches of one, both without the time to the first line; the time to the first line, which is that of a command for
one line; BLEU of those lines. Medians of the rounds, which alternate. Ours uses one thread per core; CTranslate2 has
as many workers.
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

SINGLE_SENTENCES = 300
Command = Callable[[int, Path, int, int], list[str]]
"""lines, output, beam size, batch size -> command line."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", required=True, help="Python of the peers' environment")
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
        ours, onmt, int8, shortlist = Ours("seq2seq"), OpenNMT(arguments.python), folder / "int8", folder / "shortlist"
        for model, *extra in ((int8,), (shortlist, "--shortlist")):
            run([sys.executable, "-m", "seq2seq", "export", str(arguments.ours), "-o", str(model), "--int8", *extra])
        systems: dict[str, tuple[Command, bool]] = {
            "OpenNMT-py": (partial(onmt.translation, arguments.onmt, corpus), True),
            "seq2seq": (partial(ours.translation, arguments.ours, corpus), False),
            "seq2seq, int8": (partial(ours.translation, int8, corpus), False),
            "seq2seq, int8, shortlist": (partial(ours.translation, shortlist, corpus), False),
        }
        if arguments.transformer:
            model = folder / "ct2"
            convert = [arguments.python, LAUNCH, "ct2-convert", "--model_path", str(arguments.transformer)]
            run([*convert, "--output_dir", str(model), "--quantization", "int8", "--unsafe_deserialization"])
            systems["CTranslate2 transformer, int8"] = partial(ctranslate2, arguments.python, model, corpus), True
        compare(systems, corpus, folder / "output", arguments.lines, arguments.rounds)


def compare(systems: dict[str, tuple[Command, bool]], corpus: Corpus, output: Path, lines: int, rounds: int) -> None:
    """Run all systems in alternation and print a row for each system and beam size."""
    times: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    bleu: dict[tuple[str, int], float] = {}
    for _ in range(rounds):
        for name, (command, pieces) in systems.items():
            for beam in (5, 1):
                measured = [run(command(*job)) for job in ((1, output, beam, 1), (SINGLE_SENTENCES, output, beam, 1))]
                measured.append(run(command(lines, output, beam, 64)))
                times.setdefault((name, beam), []).append((measured[0], measured[1], measured[2]))
                bleu[name, beam] = corpus.bleu(output, pieces)
    print("| | beam | sentences/s | one sentence, ms | first line, s | BLEU |\n|---|---|---|---|---|---|")
    for (name, beam), measurements in times.items():
        first = median(seconds for seconds, _, _ in measurements)
        single = 1000 * (median(seconds for _, seconds, _ in measurements) - first) / (SINGLE_SENTENCES - 1)
        speed = (lines - 1) / (median(seconds for _, _, seconds in measurements) - first)
        print(f"| {name} | {beam} | {speed:,.0f} | {single:.2f} | {first:.2f} | {bleu[name, beam]:.2f} |", flush=True)


def ctranslate2(python: str, model: Path, corpus: Corpus, lines: int, output: Path, beam: int, batch: int) -> list[str]:
    """Translation command for the first lines of the validation source."""
    sizes = [str(number) for number in (beam, batch, os.cpu_count())]
    return [python, LAUNCH, "ct2-translate", str(model), str(corpus.first(lines, pieces=True)), str(output), *sizes]


def run(command: list[str]) -> float:
    """Seconds that a command takes."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
