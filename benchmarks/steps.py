"""Training speed and memory over real steps with new batches, to compare with `seq2seq bench`.

    python benchmarks/steps.py --src train.de --tgt train.en [--preset context] [--steps 800]

Runs `seq2seq train` and prints, for every hundred steps, target tokens per second (padding not counted) and the
anonymous memory at their end in MB. It stops before the first validation. Linux only.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import mean

from memory import anonymous_bytes, run

INTERVAL = 100
POLL_SECONDS = 0.2


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
        for last in range(INTERVAL, arguments.steps + 1, INTERVAL):
            while training.poll() is None and newest_step(metrics) < last:
                time.sleep(POLL_SECONDS)
            window = [record for record in records(metrics) if last - INTERVAL < record["step"] <= last]
            speeds = [record["target_tokens_per_second"] for record in window]
            print(f"{last:>7,} {mean(speeds):>16,.0f} {anonymous_bytes(training.pid) / 1e6:>11,.0f}", flush=True)
        training.kill()
        training.wait()


def records(metrics: Path) -> list[dict[str, float]]:
    """Training records logged so far; an incomplete last line is skipped."""
    lines = metrics.read_text().splitlines(keepends=True) if metrics.exists() else []
    complete = [json.loads(line) for line in lines if line.endswith("\n")]
    return [record for record in complete if "target_tokens_per_second" in record]


def newest_step(metrics: Path) -> float:
    """Step of the last record; 0 before the first."""
    return max((record["step"] for record in records(metrics)), default=0)


if __name__ == "__main__":
    main()
