"""Peak memory of each command as the corpus grows.

    python benchmarks/memory.py --src train.de --tgt train.en [--lines 10000]

Repeats the first lines of the bitext one, ten and a hundred times (with a number appended to each copy, so that no pair
repeats), and prints the peak of each command in MB. It measures anonymous memory, which excludes pages of mapped files
that the system can evict. Linux only.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from seq2seq.io.lines import read_lines

REPEATS = (1, 10, 100)
TINY = ("model.hidden_size=64", "model.embedding_size=64", "model.context_size=64", "tokenizer.vocab_size=1000")
SHORT = ("training.max_steps=50", "training.validate_every=50", "data.held_out=200")
POLL_SECONDS = 0.02


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--lines", type=int, default=10_000, help="pairs of the smallest corpus")
    arguments = parser.parse_args()
    print("      lines    report     train translate  evaluate     score   (peak anonymous memory, MB)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train_tiny(arguments, folder)
        for times in REPEATS:
            src, tgt = (repeat(path, arguments.lines, times, folder) for path in (arguments.src, arguments.tgt))
            pairs = ("--train-src", src, "--train-tgt", tgt)
            settings = [word for setting in (*TINY, *SHORT) for word in ("--set", setting)]
            commands = {
                "report": ("data", "report", *pairs, *settings),
                "train": ("train", "-q", *pairs, *settings, "--overwrite", "-o", str(folder / "run")),
                "translate": ("translate", str(model), "-i", src, "--beam-size", "1", "-o", str(folder / "out")),
                "evaluate": ("evaluate", "--hyp", tgt, "--ref", tgt),
                "score": ("score", str(model), "--src", src, "--tgt", tgt, "-o", str(folder / "out")),
            }
            peaks = [peak_memory(command) for command in commands.values()]
            print(f"{arguments.lines * times:>11,}" + "".join(f" {peak:>9.0f}" for peak in peaks), flush=True)


def train_tiny(arguments: argparse.Namespace, folder: Path) -> Path:
    """Train a model that translates fast, and badly, but not at length."""
    src, tgt = (repeat(path, arguments.lines, 1, folder) for path in (arguments.src, arguments.tgt))
    settings = [word for setting in (*TINY, "training.max_steps=200") for word in ("--set", setting)]
    run("train", "-q", "--train-src", src, "--train-tgt", tgt, *settings, "-o", str(folder / "model")).wait()
    return folder / "model"


def repeat(path: str, lines: int, times: int, folder: Path) -> str:
    """Write the first lines of a file several times to a new file."""
    target = folder / f"{times}.{Path(path).name.removesuffix('.gz')}"
    with open(target, "w", encoding="utf-8", newline="\n") as file:
        for number in range(times):
            file.writelines(f"{line} {number}\n" for line in islice(read_lines(path), lines))
    return str(target)


def run(*command: str) -> subprocess.Popen[bytes]:
    """Start a seq2seq command."""
    return subprocess.Popen([sys.executable, "-m", "seq2seq", *command], stdout=subprocess.DEVNULL)


def peak_memory(command: Sequence[str]) -> float:
    """Peak anonymous memory of a command, in MB, by polling."""
    process, peak = run(*command), 0
    while process.poll() is None:
        peak = max(peak, anonymous_bytes(process.pid))
        time.sleep(POLL_SECONDS)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return peak / 1e6


def anonymous_bytes(pid: int) -> int:
    """RssAnon of a process as reported by the kernel; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0)


if __name__ == "__main__":
    main()
