"""The options of search, the same for each command that translates."""

from typing import Annotated

import typer

BeamSize = Annotated[int | None, typer.Option(min=1, max=1000, help="Hypotheses kept in search; 1 is greedy.")]
LengthPenalty = Annotated[float | None, typer.Option(min=0.0, max=10.0, help="Exponent of the length penalty.")]
BatchSize = Annotated[int, typer.Option(min=1, max=65536, help="Sentences at once; changes no translation.")]
