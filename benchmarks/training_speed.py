"""Training speed of presets compared with the machine's limit, as in `seq2seq bench`, on a corpus of your own.

    python benchmarks/training_speed.py --src train.de --tgt train.en [--rounds 2] [--torch]

Prints one row per round, preset and precision: target tokens per second (padding not counted), milliseconds per step
and for its matrix products alone, each at its best time, and their share of the step. Quote ratios within one run.
--torch adds rows without the compiled part, as on a machine that had no compiler when the package was installed.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from unittest.mock import patch

import torch
from accelerate.state import AcceleratorState

from seq2seq.data.preparation import load_data, prepare_data
from seq2seq.data.sources import open_sources
from seq2seq.presets import build_config
from seq2seq.training.roofline import measure


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--src", required=True)
    parser.add_argument("--tgt", required=True)
    parser.add_argument("--preset", nargs="+", default=["context", "attention"])
    parser.add_argument("--precision", nargs="+", default=["bf16", "float32"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--torch", action="store_true")
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    compiled_or_not = [True, False] if arguments.torch else [True]
    print("preset     precision  compiled  target tokens/s  step, ms  products, ms  share  GFLOP/s of the products")
    files = {"data.train_src": arguments.src, "data.train_tgt": arguments.tgt, "training.max_steps": 10_000}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = build_config(options=files)
        prepare_data(config.data, config.tokenizer, open_sources(config.data, folder), folder / "data")
        data = load_data(folder / "data", config.data, config.tokenizer)
        for _, preset, precision, compiled in product(
            range(arguments.rounds), arguments.preset, arguments.precision, compiled_or_not
        ):
            with compiled_part(compiled):
                speed = measure(build_config(preset, options={**files, "training.precision": precision}), data)
            AcceleratorState._reset_state(reset_partial_state=True)
            print(
                f"{preset:<10} {precision:<10} {'yes' if compiled else 'no':<8} "
                f"{speed.tokens:>15,.0f} {1000 * speed.step:>9.1f} "
                f"{1000 * speed.products:>13.1f} {speed.share:>6.0%} {speed.operations / speed.products / 1e9:>9,.0f}",
                flush=True,
            )


@contextmanager
def compiled_part(enabled: bool) -> Iterator[None]:
    """Run with the compiled part, or as if it had not been built."""
    if enabled:
        yield
        return
    with patch("seq2seq.model.gru.isa_levels", lambda: range(0)):
        yield


if __name__ == "__main__":
    main()
