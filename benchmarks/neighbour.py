"""Training speed next to other programs.

    python benchmarks/neighbour.py --src train.de --tgt train.en [--preset context attention]
        [--beside alone "1 loop"] [--rounds 2] [--before CHECKOUT] [--minutes 5]

Runs `seq2seq train`, alternating: with default settings, with one thread (OMP_NUM_THREADS=1), and with --before from
another checkout, compiled in place. Prints target tokens per second of each alone, next to one and two busy loops, next
to one at `nice 19`, next to a `seq2seq translate --beam-size 200` at `nice 19` in another session, as from another
terminal (where Linux's autogroups are on, its niceness then has no effect), and in a cgroup with a quota of one CPU.

--minutes trains for a given time instead, from the start: alone with one thread, alone, next to a busy loop, and next
to one that runs for a tenth of the time. Prints steps and best validation BLEU. Linux only; quote ratios within a run.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECONDS_PER_CELL = 10
POLL_SECONDS = 0.1
ENDLESS = ("training.max_steps=1000000", "training.validate_every=1000000")
LOOP = (sys.executable, "-c", "while True: pass")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Variant:
    """A way to run `seq2seq`."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    def start(self, *words: object, prefix: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start a seq2seq command, with `prefix` in front of it."""
        command = [*prefix, sys.executable, "-m", "seq2seq", *map(str, words)]
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--preset", nargs="+", default=["context", "attention"])
    parser.add_argument("--beside", nargs="+", default=list(NEIGHBOURS), choices=list(NEIGHBOURS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--minutes", type=float)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure = measure_trainings if arguments.minutes else measure_speed
        measure(arguments, Path(name))


def measure_speed(arguments: argparse.Namespace, folder: Path) -> None:
    """Print target tokens per second of each variant next to each neighbour."""
    variants = [Variant("default"), Variant("one thread", ONE_THREAD)]
    if arguments.before:
        variants.append(Variant("before", {"PYTHONPATH": str(arguments.before.resolve()), "PYTHONSAFEPATH": "1"}))
    print(f"{'preset':<10} {'variant':<11}" + "".join(f"{name:>16}" for name in arguments.beside), flush=True)
    for preset in arguments.preset:
        runs = {variant: begin(variant, preset, arguments, folder / preset / variant.name) for variant in variants}
        model = shutil.copytree(newest_model(runs[variants[0]]), folder / preset / "model")
        for _ in range(arguments.rounds):
            cells: dict[Variant, list[float]] = {variant: [] for variant in variants}
            for name in arguments.beside:
                with NEIGHBOURS[name](model, arguments.src) as prefix:
                    for variant in variants:
                        run = runs[variant]
                        if prefix:  # the number of threads is fixed when a run begins
                            run = begin(variant, preset, arguments, Path(tempfile.mkdtemp(dir=folder)) / "run", prefix)
                        cells[variant].append(tokens_per_second(variant, run, prefix))
            for variant in variants:
                row = "".join(f"{cell:>16,.0f}" for cell in cells[variant])
                print(f"{preset:<10} {variant.name:<11}{row}", flush=True)


def data_options(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Data options of `seq2seq train`."""
    return "--train-src", arguments.src, "--train-tgt", arguments.tgt


def begin(variant: Variant, preset: str, arguments: argparse.Namespace, run: Path, prefix: Sequence[str] = ()) -> Path:
    """Train the first steps of a run and save a checkpoint to resume from; return the run folder."""
    run.parent.mkdir(parents=True, exist_ok=True)
    settings = [word for setting in ENDLESS for word in ("--set", setting)]
    training = variant.start("train", *data_options(arguments), "--preset", preset, *settings, "-o", run, prefix=prefix)
    wait_for(training, lambda: len(records(run)) > 0)
    stop(training)
    return run


def newest_model(run: Path) -> Path:
    """The model folder of the last step of a run."""
    return max((run / "steps").iterdir(), key=lambda step: int(step.name))


def tokens_per_second(variant: Variant, run: Path, prefix: Sequence[str]) -> float:
    """Speed of a resumed training, without its first record."""
    before = len(records(run))
    training = variant.start("train", "--resume", "-o", run, *stored_data(run), prefix=prefix)
    measured: list[dict[str, float]] = []

    def enough() -> bool:
        measured[:] = records(run)[before + 1 :]
        return seconds(measured) >= SECONDS_PER_CELL

    wait_for(training, enough)
    stop(training)
    return sum(record["target_tokens"] for record in measured) / seconds(measured)


def stored_data(run: Path) -> list[str]:
    """The data and preset options of a run."""
    config = json.loads((run / "config.json").read_text())
    data = config["data"]
    return ["--train-src", *data["train_src"], "--train-tgt", *data["train_tgt"], "--preset", config["preset"]]


def records(run: Path) -> list[dict[str, float]]:
    """Training records logged so far; an incomplete last line is skipped."""
    metrics = run / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True) if metrics.exists() else []
    complete = [json.loads(line) for line in lines if line.endswith("\n")]
    return [record for record in complete if "target_tokens" in record]


def seconds(steps: Sequence[Mapping[str, float]]) -> float:
    """Duration of the steps of some records."""
    return sum(record["target_tokens"] / record["target_tokens_per_second"] for record in steps)


def wait_for(training: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    """Poll until the condition holds; exit if the training ends first."""
    while not condition():
        if training.poll() is not None:
            sys.exit(f"{training.args!r}: exit code {training.returncode}")
        time.sleep(POLL_SECONDS)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a training so that it saves a step."""
    process.send_signal(signal.SIGTERM)
    process.wait()


@contextmanager
def programs(*commands: Sequence[str], new_session: bool = False) -> Iterator[Sequence[str]]:
    """Run other programs in the background; yields an empty prefix."""
    with ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(command, start_new_session=new_session, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield ()


@contextmanager
def one_cpu() -> Iterator[Sequence[str]]:
    """Yield a prefix that runs a command in a new cgroup with a quota of one CPU; exits if that is not allowed."""
    version_1, version_2 = Path("/sys/fs/cgroup/cpu/seq2seq-neighbour"), Path("/sys/fs/cgroup/seq2seq-neighbour")
    try:
        if version_1.parent.is_dir():
            group = version_1
            group.mkdir()
            (group / "cpu.cfs_quota_us").write_text((group / "cpu.cfs_period_us").read_text())
        else:
            group = version_2
            group.mkdir()
            (group / "cpu.max").write_text("100000 100000")
    except OSError as error:
        sys.exit(f"cannot create a cgroup with a quota ({error}): leave 'quota of 1 CPU' out of --beside")
    try:
        yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    finally:
        group.rmdir()


def search(model: Path, lines: str) -> tuple[str, ...]:
    """A command that computes for a long time, on all cores, with wide vectors and much memory."""
    translate = (sys.executable, "-m", "seq2seq", "translate", str(model), "-i", lines, "-o", os.devnull)
    return ("nice", "-n", "19", *translate, "--beam-size", "200")


# What runs next to the training, given a model and a file of lines. Each yields a prefix for the training command.
NEIGHBOURS: dict[str, Callable[[Path, str], AbstractContextManager[Sequence[str]]]] = {
    "alone": lambda *_: programs(),
    "1 loop": lambda *_: programs(LOOP),
    "2 loops": lambda *_: programs(LOOP, LOOP),
    "nice 19 loop": lambda *_: programs(("nice", "-n", "19", *LOOP)),
    "nice 19 search": lambda model, lines: programs(search(model, lines), new_session=True),
    "quota of 1 CPU": lambda *_: one_cpu(),
}


def measure_trainings(arguments: argparse.Namespace, folder: Path) -> None:
    """Print steps and BLEU of trainings for a given time."""
    minutes = arguments.minutes
    print(f"{'preset':<10} {'training':<32} {'steps':>7} {'BLEU':>6} {'minutes':>8}", flush=True)
    for _ in range(arguments.rounds):
        for preset in arguments.preset:
            for name, environment, delay, duration in (
                ("one thread, alone", ONE_THREAD, 0.0, 0.0),
                ("alone", {}, 0.0, 0.0),
                ("next to a busy loop", {}, 0.0, 60 * minutes + 60),
                ("next to one for a tenth of it", {}, 24 * minutes, 6 * minutes),
            ):
                run, began = folder / "run", time.monotonic()
                words = ("train", *data_options(arguments), "--preset", preset, "--minutes", minutes, "-o", run)
                training = Variant(name, environment).start(*words, "--overwrite")
                time.sleep(delay)
                with programs(*[LOOP][: bool(duration)]):
                    wait_at_most(training, duration)
                if training.wait():
                    sys.exit(f"{name}: exit code {training.returncode}")
                state = json.loads((newest_model(run) / "state" / "training.json").read_text())
                took = (time.monotonic() - began) / 60
                print(
                    f"{preset:<10} {name:<32} {state['step']:>7,} {state['best_score']:>6.2f} {took:>8.2f}", flush=True
                )


def wait_at_most(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Wait for a process to end, for at most `timeout` seconds."""
    try:
        process.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        return


if __name__ == "__main__":
    main()
