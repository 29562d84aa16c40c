"""Training speed of a preset beside the speed of plain matrix products, measured in turn in one process.

    python benchmarks/training_speed.py --src train.de --tgt train.en [--preset context] [--rounds 3]

Prints, for each precision, the target tokens a second of real training steps (padding not counted), what share of the
target positions is no padding, and the rate of large matrix products in the same type. Quote ratios within one run.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from accelerate.state import AcceleratorState

from seq2seq.config import build_config
from seq2seq.model_folder import TrainedModel, build_network
from seq2seq.processes import Processes
from seq2seq.text.batching import make_batch
from seq2seq.text.sources import open_sources
from seq2seq.training.loop import Trainer
from seq2seq.training.metrics import MetricsLog
from seq2seq.training.preparation import load_data, prepare_data
from seq2seq.training.progress import Progress
from seq2seq.training.state import CheckpointStore

STEPS_PER_ROUND, WARM_UP_STEPS = 40, 10
PRODUCT = (2048, 1024, 1024)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--preset", default="context")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    config = build_config(
        arguments.preset,
        options={"data.train_src": arguments.src, "data.train_tgt": arguments.tgt, "training.max_steps": 10_000},
    )
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, preset {arguments.preset}")
    print("precision  target tokens/s  real positions  products GFLOP/s   (median of rounds, lowest to highest)")
    with tempfile.TemporaryDirectory() as folder:
        sources = open_sources(config.data, Path(folder))
        prepare_data(config.data, config.tokenizer, sources, Path(folder) / "data")
        data = load_data(Path(folder) / "data", config.tokenizer.joint)
        for precision in ("float32", "bf16"):
            training = config.training.model_copy(update={"precision": precision})
            resolved = config.model_copy(update={"training": training})
            model = TrainedModel(resolved, build_network(resolved, data.tokenizers), data.tokenizers)
            metrics, store = MetricsLog(Path(folder) / "metrics.jsonl"), CheckpointStore(Path(folder))
            trainer = Trainer(training, model, data, store, metrics, Progress(quiet=True), Processes(), None)
            speeds, share, products = measure(trainer, arguments.rounds, precision)
            print(f"{precision:<10} {spread(speeds):<24} {share:6.1%}  {spread(products)}")
            AcceleratorState._reset_state(reset_partial_state=True)


def measure(trainer: Trainer, rounds: int, precision: str) -> tuple[list[float], float, list[float]]:
    """Training speeds, the share of real target positions, and product speeds, round by round in turn."""
    trainer.objective.train()
    planned = list(islice(trainer._batches, WARM_UP_STEPS + rounds * STEPS_PER_ROUND))
    trainer._batches = iter(planned)
    take_steps(trainer, WARM_UP_STEPS)
    speeds, products, real, all_positions = [], [], 0, 0
    for start in range(WARM_UP_STEPS, len(planned), STEPS_PER_ROUND):
        some = [make_batch(trainer.data.train, indices) for indices in planned[start : start + STEPS_PER_ROUND]]
        tokens = sum(batch.target_tokens for batch in some)
        real, all_positions = real + tokens, all_positions + sum(batch.tgt_out.size for batch in some)
        speeds.append(tokens / seconds(partial(take_steps, trainer, STEPS_PER_ROUND)))
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        products.append(product_rate(kind, trainer.accelerator.device))
    return speeds, real / all_positions, products


def take_steps(trainer: Trainer, count: int) -> None:
    """So many updates, to their end on the device."""
    for _ in range(count):
        trainer._update()
    trainer.stretch.loss()


def product_rate(kind: torch.dtype, device: torch.device) -> float:
    """GFLOP/s of one large matrix product."""
    rows, inner, columns = PRODUCT
    a = torch.randn(rows, inner, device=device).to(kind)
    b = torch.randn(inner, columns, device=device).to(kind)
    best = min(seconds(lambda: float((a @ b)[0, 0])) for _ in range(20))  # float waits for the device
    return 2 * rows * inner * columns / best / 1e9


def seconds(work: Callable[[], object]) -> float:
    """Wall time of `work`."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: list[float]) -> str:
    """Median, lowest and highest."""
    return f"{median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


if __name__ == "__main__":
    main()
