"""`seq2seq bench`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def bench(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, whose settings and data are used.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare training speed with the limit of the hardware.

    Runs a few training steps from scratch; the run folder is not changed. The limit is the time of a step's matrix
    products alone, each at its fastest measured time. Needs an otherwise idle CPU.
    """
    from seq2seq.training.roofline import measure
    from seq2seq.training.run import open_run

    config, data = open_run(run)
    speed = measure(config, data)
    if as_json:
        print(json.dumps({**asdict(speed), "share": speed.share}))
        return
    print(f"training        {speed.tokens:,.0f} target tokens/s, excluding padding; {config.training.precision}")
    print(f"step            {1000 * speed.step:.1f} ms")
    print(
        f"matrix products {1000 * speed.products:.1f} ms alone, {speed.operations / speed.products / 1e9:,.0f} GFLOP/s"
    )
    print(f"share of limit  {speed.share:.0%}")
