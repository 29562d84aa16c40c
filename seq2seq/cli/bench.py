"""`seq2seq bench`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def bench(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The run folder of a training: its settings and its data are taken.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure training speed against the machine's limit.

    Some steps of a new training are taken, which leave no trace in the folder. The limit is the matrix products of a
    step, each at the best time that it takes alone. Needs a CPU that has nothing else to do.
    """
    from seq2seq.training.roofline import measure
    from seq2seq.training.run import open_run

    config, data = open_run(run)
    speed = measure(config, data)
    if as_json:
        print(json.dumps({**asdict(speed), "share": speed.share}))
        return
    print(f"training        {speed.tokens:,.0f} target tokens/s, padding not counted; {config.training.precision}")
    print(f"a step          {1000 * speed.step:.1f} ms")
    print(
        f"its products    {1000 * speed.products:.1f} ms alone, {speed.operations / speed.products / 1e9:,.0f} GFLOP/s"
    )
    print(f"share of limit  {speed.share:.0%}")
