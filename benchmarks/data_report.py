"""Time and memory of `seq2seq data report` on large tables.

    python benchmarks/data_report.py --src train.de --tgt train.en [--pairs 100000 1000000] [--numbers]

Makes pairs from the lines of a bitext, with the words of each copy in another order and a word of letters appended, so
that no pair repeats, or with --numbers a number, which is a protected span in each line; writes them as TSV and reports
on them on one core. Prints the seconds, those of the processor, which other programs disturb less, and the peak of
anonymous memory, without pages of mapped files. Linux only.
"""

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from memory import peak_memory

from seq2seq.io.lines import read_lines

HELD_OUT = ("--set", "data.held_out=1000")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--numbers", action="store_true")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("      pairs   seconds processor        MB   (one core; peak anonymous memory)")
    with tempfile.TemporaryDirectory() as folder:
        for pairs in arguments.pairs:
            table = Path(folder) / "pairs.tsv"
            write_pairs(table, arguments.src, arguments.tgt, pairs, str if arguments.numbers else in_letters)
            start, busy = time.perf_counter(), processor_seconds()
            peak = peak_memory(("data", "report", "--train", str(table), *HELD_OUT))
            seconds, busy = time.perf_counter() - start, processor_seconds() - busy
            print(f"{pairs:>11,} {seconds:>9.1f} {busy:>9.1f} {peak:>9.0f}", flush=True)


def processor_seconds() -> float:
    """Of the commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def in_letters(number: int) -> str:
    """A word for each number."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def write_pairs(table: Path, src: str, tgt: str, count: int, name: Callable[[int], str]) -> None:
    """Write `count` different pairs. name: of the pair with this number, the last word of its sides."""
    lines = list(zip(read_lines(Path(src)), read_lines(Path(tgt)), strict=True))
    draw = random.Random(0)
    with open(table, "w", encoding="utf-8", newline="\n") as file:
        copies = (row for _ in range(count // len(lines) + 1) for row in lines)
        for number, sides in enumerate(islice(copies, count)):
            file.write("\t".join(f"{permuted(side, draw)} {name(number)}" for side in sides) + "\n")


def permuted(text: str, draw: random.Random) -> str:
    """The words of a sentence in another order."""
    words = text.split()
    draw.shuffle(words)
    return " ".join(words)


if __name__ == "__main__":
    main()
