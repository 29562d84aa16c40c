"""`seq2seq translate`."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.errors import InputError
from seq2seq.io.lines import open_output, read_lines

if TYPE_CHECKING:
    from seq2seq.distributed import Processes, SingleProcess
    from seq2seq.inference.translator import Translation


def translate(
    model: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL", help="Model folder, or run folder (its best step is used); several form an ensemble."
        ),
    ],
    input_: Annotated[
        str,
        typer.Option(
            "-i", "--input", metavar="FILE", help="Text file, one sentence per line, optionally compressed; - is stdin."
        ),
    ] = "-",
    encoding: options.Encoding = None,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="File for the translations, replaced on completion; - is stdout."
        ),
    ] = "-",
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    n_best: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Translations per sentence, best first, one per line.")
    ] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Put the score and a tab before each translation.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per input line: its hypotheses with log_prob and score.")
    ] = False,
    batch_size: options.BatchSize = 32,
    buffer_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=10**9, help="Lines read before translating them; 1 translates line by line."
        ),
    ] = 512,
) -> None:
    """Translate a text file or stdin.

    Writes one line per input line, in order; a blank line stays blank. A line over the model's limit is translated in
    parts. The score is the log-probability (natural logarithm) divided by the length penalty. Beam size and length
    penalty default to the model's own. Several models with the same languages and vocabularies form an ensemble, which
    averages their token probabilities; beam size and length penalty default to the first one's. Processes started by
    torchrun share the lines of a file.
    """
    if scores and as_json:
        raise InputError("--scores and --json cannot be combined: JSON includes the scores")
    check_outputs([output], [input_])
    if input_ == "-" and sys.stdin.isatty():
        print("seq2seq: type a line to translate it; Ctrl-D quits (use -i to translate a file)", file=sys.stderr)
        buffer_size = 1
    from seq2seq.data.sentences import expect_no_table
    from seq2seq.distributed import drop_stray_variables, started_processes
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.model_folder import open_models

    expect_no_table(input_)
    lines = read_lines(input_, encoding=encoding or "")
    folders = open_models(model)  # A damaged one is reported before torch is loaded, if it is needed at all.
    stray_variables = drop_stray_variables()
    with started_processes() as processes:
        if processes.count > 1 and input_ == "-":
            raise InputError("several processes cannot share stdin: give the text with -i FILE")
        if stray_variables and processes.is_main:
            print(f"seq2seq: warning: {stray_variables}", file=sys.stderr)
        search = partial(
            Translator.of(folders, batch_size=batch_size).stream,
            beam_size=beam_size,
            length_penalty=length_penalty,
            n_best=n_best,
            buffer_size=buffer_size,
        )
        del folders  # and the files that they hold open
        translations = in_shards(processes, lines, buffer_size, search)
        _write(output, translations, _as_json if as_json else _with_scores if scores else _as_text, processes.is_main)


def _write(
    output: str, translations: "Iterable[Translation]", layout: "Callable[[Translation], str]", is_main: bool
) -> None:
    """Write all translations; the main process alone, while the others compute."""
    with open_output(output if is_main else os.devnull) as file:
        shown = _counted(_warn_once(translations), to_terminal=output == "-") if is_main else translations
        for translation in shown:
            file.write(layout(translation).encode())
            file.flush()


def _counted(translations: "Iterable[Translation]", *, to_terminal: bool) -> "Iterator[Translation]":
    """Pass translations on, with a line counter on a terminal that does not show them."""
    if not sys.stderr.isatty() or (to_terminal and sys.stdout.isatty()):
        yield from translations
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.completed:,} lines"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        for translation in translations:
            yield translation
            progress.advance(task)


def in_shards(
    processes: "Processes | SingleProcess",
    lines: Iterator[str],
    buffer_size: int,
    search: "Callable[[list[str]], Iterator[Translation]]",
) -> "Iterator[Translation]":
    """Read `buffer_size` lines per process, let each translate its shard, and yield all translations in order."""
    from seq2seq.inference.translator import windows

    for window in windows(lines, buffer_size * processes.count):
        yield from processes.gather(list(search(processes.contiguous_shard(window))))


def _as_text(translation: "Translation") -> str:
    return "".join(f"{hypothesis.text}\n" for hypothesis in translation.hypotheses)


def _with_scores(translation: "Translation") -> str:
    return "".join(f"{hypothesis.score:.6f}\t{hypothesis.text}\n" for hypothesis in translation.hypotheses)


def _as_json(translation: "Translation") -> str:
    hypotheses = [asdict(hypothesis) for hypothesis in translation.hypotheses]
    return json.dumps({"hypotheses": hypotheses}, ensure_ascii=False) + "\n"


def _warn_once(translations: "Iterable[Translation]") -> "Iterator[Translation]":
    """Pass translations on; warn on stderr about the first line over the model's limit."""
    warned = False
    for line, translation in enumerate(translations, start=1):
        if translation.parts > 1 and not warned:
            warned = True
            print(
                f"seq2seq: warning: line {line:,} is longer than the model's limit and is translated in "
                f"{translation.parts} parts; so are later lines over the limit",
                file=sys.stderr,
            )
        yield translation
