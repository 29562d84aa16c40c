"""GRU, LSTM and tanh with equal numbers of parameters: music, raw waveforms, translation (Chung et al. 2014).

    python benchmarks/cells --task music waveforms [--steps 2000] [--rates 1e-3 3e-3 1e-2] [-o curves.png]
    python benchmarks/cells --task translation --data multi30k --pair de-en [--steps 1000]

Prints one row per task and cell: the best learning rate by validation, its loss, updates per second; -o plots loss
against updates and against wall time. Music needs `pip install music21`, whose first read takes minutes. RMSProp with
gradients clipped to norm 1, as in the paper, but without its weight noise. Translation is `seq2seq train --preset
context`, with the number of units that gives each cell as many parameters as the GRU.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from sequences import Task, music, waveforms
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from seq2seq.model.cells import CELLS
from seq2seq.model.network import EncoderDecoder
from seq2seq.presets import build_config

VALIDATIONS = 20
BATCH = 16


@dataclass
class Run:
    """One training: a point for each validation."""

    task: str
    cell: str
    units: int
    parameters: int
    rate: float
    updates: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    """Validation loss, in nats per step or per piece."""
    test: float = float("nan")
    """Test loss at the best validation."""


class Predictor(nn.Module):
    """A cell and a linear output layer."""

    def __init__(self, cell: str, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.cell = CELLS[cell](inputs, units)
        self.output = nn.Linear(units, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs [B, T, I] -> [B, T, outputs]"""
        predicted: Tensor = self.output(self.cell(inputs)[0])
        return predicted


def main() -> None:
    """Train, print, plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--task", nargs="+", choices=["music", "waveforms", "translation"], required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--data", type=Path, help="folder of train.LANG.gz and val.LANG.gz, for translation")
    parser.add_argument("--pair", default="de-en", help="languages, for translation")
    parser.add_argument("-o", "--output", type=Path, help="plot of the curves, .png or .svg")
    arguments = parser.parse_args()
    runs: list[Run] = []
    for name in arguments.task:
        if name == "translation":
            runs += translate(arguments.data, arguments.pair, arguments.steps, arguments.rates)
        else:
            task = music() if name == "music" else waveforms()
            for cell, units in task.units.items():
                runs += [train(task, cell, units, rate, arguments.steps) for rate in arguments.rates]
    best = report(runs)
    if arguments.output:
        draw(best, arguments.output)


def train(task: Task, cell: str, units: int, rate: float, steps: int) -> Run:
    """Train a Predictor on a task."""
    torch.manual_seed(1)
    network = Predictor(cell, task.splits["train"][0][0].size(-1), units, task.outputs)
    run = Run(task.name, cell, units, sum(tensor.numel() for tensor in network.cell.parameters()), rate)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=rate)
    rng, spent = torch.Generator().manual_seed(1), 0.0
    for step in range(1, steps + 1):
        started = time.monotonic()
        indices = torch.randint(len(task.splits["train"]), (BATCH,), generator=rng).tolist()
        loss = mean_loss(network, task, [task.splits["train"][index] for index in indices])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        spent += time.monotonic() - started
        if step % max(1, steps // VALIDATIONS) == 0:
            with torch.no_grad():
                valid = float(mean_loss(network, task, task.splits["valid"]))
                if valid < min(run.losses, default=float("inf")):
                    run.test = float(mean_loss(network, task, task.splits["test"]))
            run.updates.append(step)
            run.seconds.append(spent)
            run.losses.append(valid)
    return run


def mean_loss(network: nn.Module, task: Task, sequences: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Mean loss per step, padding excluded."""
    inputs, targets = (pad_sequence(list(side), batch_first=True) for side in zip(*sequences, strict=True))
    lengths = torch.tensor([len(sequence) for sequence, _ in sequences])
    real = torch.arange(inputs.size(1)) < lengths[:, None]
    return task.loss(network(inputs), targets)[real].mean()


def translate(data: Path, pair: str, steps: int, rates: list[float]) -> list[Run]:
    """Train translators with as many parameters as the GRU network."""
    target, runs = parameters("gru", 256), []
    for cell in ("gru", "lstm", "rnn"):
        units = min(range(64, 1024, 2), key=lambda units: abs(parameters(cell, units) - target))
        for rate in rates:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(translator(data, pair, Path(folder) / "run", cell, units, rate, steps))
    return runs


def parameters(cell: str, units: int, vocab: int = 4_088) -> int:
    """Number of parameters of a translator with preset `context`."""
    config = build_config(options={"model.cell": cell, "model.hidden_size": units})
    with torch.device("meta"):
        network = EncoderDecoder(config.model, vocab, vocab, joint=True)
    return sum(tensor.numel() for tensor in network.parameters())


def translator(data: Path, pair: str, folder: Path, cell: str, units: int, rate: float, steps: int) -> Run:
    """Run `seq2seq train` and read its training curve."""
    settings = {
        "model.cell": cell,
        "model.hidden_size": units,
        "training.learning_rate": rate,
        "training.max_steps": steps,
        "training.validate_every": max(1, steps // VALIDATIONS),
    }
    command = [sys.executable, "-m", "seq2seq", "train", "-o", str(folder), "-q"]
    for side, language in zip(("src", "tgt"), pair.split("-"), strict=True):
        command += [f"--{side}-lang={language}", f"--train-{side}={data / f'train.{language}.gz'}"]
        command += [f"--valid-{side}={data / f'val.{language}.gz'}"]
    subprocess.run([*command, *(f"--set={key}={value}" for key, value in settings.items())], check=True)
    run, spent = Run("translation", cell, units, parameters(cell, units), rate), 0.0
    for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
        if "target_tokens" in line:
            spent += line["target_tokens"] / line["target_tokens_per_second"]
        else:
            run.updates.append(line["step"])
            run.seconds.append(spent)
            run.losses.append(float(torch.tensor(line["valid_perplexity"]).log()))
    return run


def report(runs: list[Run]) -> list[Run]:
    """Print the best run of each task and cell, and the losses of the other rates; return the best runs."""
    print("| task | cell | units | parameters | best rate | validation | test | updates/s | other rates |")
    print("|---" * 9 + "|")
    best = []
    for task, cell in dict.fromkeys((run.task, run.cell) for run in runs):
        ranked = sorted((run for run in runs if (run.task, run.cell) == (task, cell)), key=lambda run: min(run.losses))
        first, *others = ranked
        test = "" if math.isnan(first.test) else f"{first.test:.3f}"
        rest = ", ".join(f"{run.rate:g}: {min(run.losses):.3f}" for run in others)
        print(
            f"| {task} | {cell} | {first.units} | {first.parameters:,} | {first.rate:g} | {min(first.losses):.3f} | "
            f"{test} | {first.updates[-1] / first.seconds[-1]:.1f} | {rest} |",
            flush=True,
        )
        best.append(first)
    return best


def draw(runs: list[Run], path: Path) -> None:
    """Plot validation loss against updates and against wall time, one row of panels per task."""
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(run.task for run in runs))
    figure = Figure(figsize=(10, 3.5 * len(tasks)), dpi=120, layout="constrained")
    for row, task in zip(figure.subplots(len(tasks), 2, squeeze=False), tasks, strict=True):
        for run in (run for run in runs if run.task == task):
            row[0].plot(run.updates, run.losses, label=f"{run.cell}, {run.units} units")
            row[1].plot(run.seconds, run.losses)
        row[0].set(xlabel="updates", ylabel=f"{task}: validation loss, nats")
        row[1].set(xlabel="seconds of training")
        row[0].legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
