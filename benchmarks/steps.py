"""A training step after step: is it as fast with new batches as `seq2seq bench` says, and does its memory stay flat?

    python benchmarks/steps.py --src train.de --tgt train.en [--preset context] [--steps 800]

Trains by the command line and prints, for each hundred steps, target tokens a second (padding not counted) and the
anonymous memory at their end in MB. It is stopped before its first validation. Linux only.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import mean

from memory import anonymous_bytes, run

HUNDRED = 100
SECONDS_BETWEEN_LOOKS = 0.2


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--preset", default="context")
    parser.add_argument("--steps", type=int, default=800)
    arguments = parser.parse_args()
    settings = {"training.max_steps": arguments.steps + 1, "training.validate_every": arguments.steps + 1}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    files = ("--train-src", arguments.src, "--train-tgt", arguments.tgt)
    with tempfile.TemporaryDirectory() as name:
        metrics = Path(name) / "run" / "metrics.jsonl"
        training = run("train", "-q", *files, "--preset", arguments.preset, *words, "-o", str(metrics.parent))
        print("   step  target tokens/s  memory, MB")
        for last in range(HUNDRED, arguments.steps + 1, HUNDRED):
            while training.poll() is None and newest_step(metrics) < last:
                time.sleep(SECONDS_BETWEEN_LOOKS)
            speeds = [
                one["target_tokens_per_second"] for one in records(metrics) if last - HUNDRED < one["step"] <= last
            ]
            print(f"{last:>7,} {mean(speeds):>16,.0f} {anonymous_bytes(training.pid) / 1e6:>11,.0f}", flush=True)
        training.kill()
        training.wait()


def records(metrics: Path) -> list[dict[str, float]]:
    """What a training has logged of its steps so far; a line that is being written is left out."""
    lines = metrics.read_text().splitlines(keepends=True) if metrics.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [one for one in found if "target_tokens_per_second" in one]


def newest_step(metrics: Path) -> float:
    """Of the last record; 0 before the first."""
    return max((one["step"] for one in records(metrics)), default=0)


if __name__ == "__main__":
    main()
