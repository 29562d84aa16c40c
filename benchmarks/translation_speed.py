"""Translation speed of a model with the torch reference and with the engine, in float32 and in int8.

    python benchmarks/translation_speed.py MODEL --src FILE [--lines 300] [--rounds 2] [--ref FILE]

Prints for each variant, alternating in one process: sentences per second with beam size 5 and greedily, processor time
per sentence (which other programs disturb less), the median time of a single sentence, and the time from the start of
`seq2seq translate` to its first line; with --ref also the BLEU of each. Quote ratios within one run.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from seq2seq import Translator
from seq2seq.evaluation.metrics import score_corpus
from seq2seq.inference.export import export_model
from seq2seq.io.lines import read_lines
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.trained_model import load_model

SINGLE_SENTENCES = 30
FIRST_LINE_RUNS = 3
IN_TORCH = (
    "import seq2seq.inference.translator as module; module.load_engine = lambda _: None; "
    "from seq2seq.cli import app; app()"
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", required=True)
    parser.add_argument("--ref")
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    lines = list(islice(read_lines(arguments.src), arguments.lines))
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / "int8"
        export_model(open_model(arguments.model), int8, int8=True)
        variants = translators(arguments.model, int8)
        report(variants, lines, arguments.rounds)
        print("\ntime from the start of the program to its first line, s")
        engine, torch = ["-m", "seq2seq"], ["-c", IN_TORCH]
        for name, code in (("torch", torch), ("engine", engine)):
            print(f"{name:<14} {spread([first_line(code, arguments.model, lines[0]) for _ in range(FIRST_LINE_RUNS)])}")
    if arguments.ref:
        references = list(islice(read_lines(arguments.ref), arguments.lines))
        for name, translator in variants.items():
            score = score_corpus(translator.translate(lines), [references], ["BLEU"])[0]
            print(f"{name:<14} BLEU {score.score:.2f}  {score.signature}")


def translators(model: Path, int8: Path) -> dict[str, Translator]:
    """The variants to compare."""
    return {
        "torch": Translator(load_model(model)),
        "engine": Translator.load(model),
        "engine, int8": Translator.load(int8),
    }


def report(variants: dict[str, Translator], lines: list[str], rounds: int) -> None:
    """Measure the variants in alternation, round by round, and print a row for each."""
    batched: dict[tuple[str, int], list[tuple[float, float]]] = {}
    single: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, translator in variants.items():
            for beam_size in (5, 1):
                translate = partial(translator.translate, beam_size=beam_size)
                batched.setdefault((name, beam_size), []).append(seconds(partial(translate, lines)))
                times = [seconds(partial(translate, [line]))[0] for line in lines[:SINGLE_SENTENCES]]
                single.setdefault((name, beam_size), []).append(1000 * median(times))
    print("variant        beam  sentences/s             vs torch  processor ms  one sentence, ms (median, by round)")
    for (name, beam_size), measured in batched.items():
        speeds = [len(lines) / wall for wall, _ in measured]
        ratio = median(speeds) / median(len(lines) / wall for wall, _ in batched["torch", beam_size])
        processor = 1000 * min(busy for _, busy in measured) / len(lines)
        print(
            f"{name:<14} {beam_size:>4}  {spread(speeds):<24} {ratio:6.1f} x  {processor:9.2f}     "
            + " ".join(f"{milliseconds:.2f}" for milliseconds in single[name, beam_size])
        )


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time of `work`."""
    started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def first_line(code: list[str], model: Path, line: str) -> float:
    """Seconds from the start of `seq2seq translate` to its first line."""
    started = time.perf_counter()
    command = [sys.executable, *code, "translate", str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{line}\n")
        process.stdin.close()
        assert process.stdout.readline()
        return time.perf_counter() - started


def spread(values: list[float]) -> str:
    """Median, lowest and highest."""
    digits = 2 if max(values) < 100 else 0
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
