"""Training compared with OpenNMT-py 3.5.1 and Joey NMT 2.3.0: tokens per second, and the time to a validation BLEU.

    python -m venv peers
    peers/bin/pip install torch==2.13.0 -r benchmarks/peers/requirements.txt
    peers/bin/pip install --no-deps OpenNMT-py==3.5.1 joeynmt==2.3.0 ctranslate2
    python benchmarks/peers/training.py --python peers/bin/python --train train.de train.en --valid val.de val.en \\
        --languages de en --work WORK [--rounds 2] [--bleu 33] [--minutes 5] [--transformer 36]

Tokens per second are target tokens without padding, of all steps except the first 20; the toolkits alternate. --bleu
also measures the wall time from the start of the command until a greedy validation reaches that BLEU: for OpenNMT-py,
the faster of the peers, training is paused and its clock stopped while each checkpoint is translated; the time of ours
includes its validations, and is planned for --minutes. --transformer trains OpenNMT-py's transformer to that BLEU, for
translation.py. The corpus, the models and the logs are kept in WORK.
"""

import argparse
import signal
import subprocess
import time
from pathlib import Path
from statistics import median

from corpus import Corpus, prepare
from toolkits import Joey, OpenNMT, OpenNMTTransformer, Ours, Toolkit

VOCABULARY = 8_000
SIZE = (f"--set=tokenizer.vocab_size={VOCABULARY}", "--set=model.dropout=0.3", "--set=training.batch_tokens=1536")
HALF = ("--set=model.hidden_size=256", "--set=model.embedding_size=128")
NEVER = 1_000_000


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", required=True, help="Python of the peers' environment")
    parser.add_argument("--train", nargs=2, required=True, metavar="FILE")
    parser.add_argument("--valid", nargs=2, required=True, metavar="FILE")
    parser.add_argument("--languages", nargs=2, required=True, metavar="CODE")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100, help="steps per speed measurement")
    parser.add_argument("--bleu", type=float)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--transformer", type=float, metavar="BLEU")
    arguments = parser.parse_args()
    sources = {"train": tuple(arguments.train), "valid": tuple(arguments.valid)}
    corpus = prepare(arguments.work / "corpus", sources, tuple(arguments.languages), VOCABULARY)
    peers: list[Toolkit] = [OpenNMT(arguments.python), Joey(arguments.python)]
    ours: list[Toolkit] = [
        Ours(f"seq2seq {preset} {precision}", "--preset", preset, *SIZE, f"--set=training.precision={precision}")
        for preset, precision in (("attention", "bf16"), ("attention", "float32"), ("context", "bf16"))
    ]
    if arguments.rounds:
        compare_speeds([*peers, *ours], corpus, arguments.work, arguments.steps, arguments.rounds)
    if arguments.bleu:
        minutes = ("--preset", "attention", "--minutes", str(arguments.minutes))
        print(f"\n| | minutes until BLEU {arguments.bleu:g} |\n|---|---|")
        variants = (("seq2seq", ()), ("seq2seq, half the width", HALF), ("seq2seq, the peers' size", SIZE))
        for name, options in ((name, (*minutes, *extra)) for name, extra in variants):
            taken = our_time(Ours(name, *options), corpus, arguments.work, arguments.bleu)
            print(f"| {name} | {taken / 60:.2f} |", flush=True)
        taken = onmt_time(OpenNMT(arguments.python), corpus, arguments.work, arguments.bleu)
        print(f"| OpenNMT-py | {taken / 60:.2f} |", flush=True)
    if arguments.transformer:
        transformer = OpenNMTTransformer(arguments.python)
        taken = onmt_time(transformer, corpus, arguments.work, arguments.transformer)
        print(f"\n{transformer.name}: BLEU {arguments.transformer:g} after {taken / 60:.0f} minutes", flush=True)


def compare_speeds(toolkits: list[Toolkit], corpus: Corpus, work: Path, steps: int, rounds: int) -> None:
    """Train each for `steps` steps, in alternation, and print a row for each."""
    speeds: dict[str, list[float]] = {toolkit.name: [] for toolkit in toolkits}
    for index in range(rounds):
        for toolkit in toolkits:
            folder = folder_of(toolkit, work / str(index))
            with start(toolkit.training(corpus, folder, steps, NEVER), folder) as process:
                if process.wait():
                    raise SystemExit(f"{toolkit.name} failed: see {folder}.log")
            speeds[toolkit.name].append(median(toolkit.speeds(folder)[1:]))
    print("| | target tokens/s, by round |\n|---|---|")
    for name, rates in speeds.items():
        print(f"| {name} | {', '.join(f'{rate:,.0f}' for rate in rates)} |", flush=True)


def folder_of(toolkit: Toolkit, work: Path) -> Path:
    """The folder in which a toolkit trains."""
    work.mkdir(exist_ok=True)
    return work / toolkit.name.replace(",", "").replace(" ", "-")


def start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a training command, with its output in `folder.log`."""
    with folder.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def our_time(ours: Ours, corpus: Corpus, work: Path, target: float) -> float:
    """Seconds until a validation reaches the BLEU `target`; infinite if none does."""
    folder = folder_of(ours, work)
    started = time.monotonic()
    with start(ours.training(corpus, folder, 0, 100), folder) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if max(ours.bleus(folder), default=0) >= target:
                taken = time.monotonic() - started
                process.wait()  # translation.py needs the final model
                return taken
    return float("inf")


def onmt_time(onmt: OpenNMT, corpus: Corpus, work: Path, target: float, save_every: int = 200) -> float:
    """The same for OpenNMT-py, whose clock is stopped while its checkpoints are translated."""
    folder = folder_of(onmt, work)
    started, paused, seen = time.monotonic(), 0.0, 0
    with start(onmt.training(corpus, folder, 20_000, save_every), folder) as process:
        while process.poll() is None:
            time.sleep(0.2)
            checkpoints = onmt.checkpoints(folder)
            if len(checkpoints) == seen:
                continue
            seen, written = len(checkpoints), checkpoints[-1].stat().st_mtime
            process.send_signal(signal.SIGSTOP)
            stopped = time.monotonic()
            reached = stopped - (time.time() - written)
            bleu = onmt_bleu(onmt, corpus, checkpoints[-1])
            print(
                f"<!-- {checkpoints[-1].stem}: {(reached - started - paused) / 60:.2f} min, BLEU {bleu:.2f} -->",
                flush=True,
            )
            process.send_signal(signal.SIGCONT)
            if bleu >= target:
                process.kill()
                return reached - started - paused
            paused += time.monotonic() - stopped
    return float("inf")


def onmt_bleu(onmt: OpenNMT, corpus: Corpus, model: Path) -> float:
    """Greedy BLEU of a checkpoint on the validation pairs."""
    output = model.with_suffix(".greedy")
    lines = sum(1 for _ in corpus.file("valid", corpus.src).open(encoding="utf-8"))
    command = onmt.translation(model, corpus, lines, output, beam=1, batch=64)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return corpus.bleu(output, pieces=True)


if __name__ == "__main__":
    main()
