"""What is shown while a model trains, all of it on stderr."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from seq2seq.evaluation.metrics import MetricScore
from seq2seq.io.lines import printable

_SECONDS_BETWEEN_LINES = 15.0


@dataclass(frozen=True)
class Example:
    """A validation pair and the model's translation."""

    source: str
    reference: str
    translation: str


class Progress:
    """A progress bar on a terminal, otherwise a line every 15 seconds."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True, emoji=False)
        self._bar = Bar(
            TextColumn("step {task.completed:,}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f}%  {task.fields[status]}"),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._last_line = time.monotonic()

    def note(self, text: str) -> None:
        """Print a message."""
        self._console.print(printable(text), markup=False)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._console.print(f"[yellow]warning:[/] {escape(printable(text))}")

    def report(self, lines: Sequence[str], warnings: Sequence[str]) -> None:
        """Show the data report."""
        for line in lines:
            self.note(line)
        for warning in warnings:
            self.warn(warning)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the bar."""
        self._task = self._bar.add_task("", total=None, status="")
        if not self._console.is_terminal:
            yield
            return
        with self._bar:
            yield

    def step(self, step: int, total: int | None, loss: float, tokens_per_second: float, eta: float | None) -> None:
        """Show how far the training is. loss in nats per token, eta in seconds."""
        status = f"loss {loss:.3f}  {tokens_per_second:,.0f} target tokens/s"
        if eta is not None:
            status += f"  {_clock(eta)} left"
        if self._console.is_terminal and self._task is not None:
            self._bar.update(self._task, completed=step, total=total, status=status)
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            of_total = f" of {total:,}" if total else ""
            self._console.print(f"step {step:,}{of_total}  {status}")

    def translated(self, lines: int, total: int) -> None:
        """Show how far the translation of a text is, every 15 seconds."""
        if time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self.note(f"translated {lines:,} of {total:,} lines")

    def validation(
        self, step: int, perplexity: float, score: MetricScore, best: bool, examples: Sequence[Example]
    ) -> None:
        """Show a validation and a few translations with their references."""
        mark = "  best so far" if best else ""
        scores = f"{score.name} {score.score:.2f}, perplexity {perplexity:.2f}"
        self._console.print(f"[bold]validation at step {step:,}: {scores}[/]{mark}")
        for example in examples:
            self.note(f"  source       {example.source}")
            self.note(f"  reference    {example.reference}")
            self.note(f"  translation  {example.translation}")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
