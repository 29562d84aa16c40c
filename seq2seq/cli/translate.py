"""`seq2seq translate`."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.cli.table_translation import Threshold, check_options, translated_table
from seq2seq.cli.translation_summary import Source, Summary
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
        typer.Option("-i", "--input", metavar="FILE", help="Text file, optionally compressed; - is stdin."),
    ] = "-",
    encoding: options.Encoding = None,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="File for the translations, replaced on completion; - is stdout."
        ),
    ] = "-",
    table: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="CSV, TSV or spreadsheet (xlsx, ods) to write again with a last column of translations; a spreadsheet "
            "becomes a CSV, or a TSV if the output ends in .tsv.",
        ),
    ] = None,
    src_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of the table: its name, or its number if there is no header."),
    ] = None,
    tgt_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the new column; default: the target language's code.")
    ] = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    n_best: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Translations of each line, best first, one per line.")
    ] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Put the score and a tab before each translation.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object per line: translations, their scores, the confidence."),
    ] = False,
    split: Annotated[
        Literal["auto", "never", "always"],
        typer.Option(help="Translate the sentences of a line one by one; auto: if training was on single ones."),
    ] = "auto",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGEX", help="Keep text that matches unchanged, as URLs, placeholders and tags are; repeatable."
        ),
    ] = None,
    keep_from: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep these names unchanged; one per line.")
    ] = None,
    glossary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Terms with their translations: a term, a tab, its translation on each line, or TBX."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="C", min=0, max=100, help="Write a blank line instead of translations of lower confidence."
        ),
    ] = None,
    otherwise: Annotated[
        Literal["blank", "source"],
        typer.Option("--else", help="What to write instead: a blank line or the source line."),
    ] = "blank",
    batch_size: options.BatchSize = 32,
    buffer_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=10**9, help="Lines to read before translating them; 1 answers line by line."
        ),
    ] = 512,
) -> None:
    """Translate a text file, stdin, or a column of a table.

    Writes one line per input line, in order; a blank line stays blank. A line may have several sentences. URLs, e-mail
    addresses, file names, placeholders, tags, numbers with three digits or more and emoji are kept unchanged.

    The confidence is the sentence chrF to be expected, from 0 to 100. Lines under 30, or under --min-confidence, are
    counted on stderr at the end. The score is the log-probability (natural logarithm) divided by the length penalty.
    Beam size and length penalty default to the model's own.

    Several models with the same languages and vocabularies form an ensemble, which averages their token probabilities;
    all else is as in the first. Processes started by torchrun share the lines of a file.
    """
    if scores and as_json:
        raise InputError("--scores and --json cannot be combined: JSON includes the scores")
    is_plain = n_best == 1 and not as_json and not scores
    if min_confidence is not None and not is_plain:
        raise InputError("--min-confidence needs plain output: leave out --n-best, --scores and --json")
    if otherwise != "blank" and min_confidence is None:
        raise InputError("--else says what to write below --min-confidence, which is missing")
    check_options(table, src_column, tgt_column, has_input=input_ != "-", is_plain=is_plain)
    check_outputs([output], [table or input_, *(str(path) for path in (glossary, keep_from) if path)])
    if input_ == "-" and not table and sys.stdin.isatty():
        print("seq2seq: type a line to translate it; Ctrl-D quits (use -i to translate a file)", file=sys.stderr)
        buffer_size = 1
    from seq2seq.data.sentences import expect_no_document
    from seq2seq.distributed import drop_stray_variables, started_processes
    from seq2seq.inference.confidence import UNRELIABLE
    from seq2seq.inference.glossary import Glossary
    from seq2seq.inference.translator import TextOptions, Translator
    from seq2seq.runs.model_folder import open_models
    from seq2seq.tokenizer.spans import keep_patterns

    if not table:
        expect_no_document(input_)
    folders = open_models(model)  # A damaged one is reported before torch is loaded, if it is needed at all.
    src_lang, tgt_lang = folders[0].config.data.src_lang, folders[0].config.data.tgt_lang
    extended = None
    if table and src_column:
        from seq2seq.data.new_column import open_extended

        new_column = tgt_column or tgt_lang or "translation"
        extended = open_extended(table, src_column, new_column, encoding=encoding or "", output=output)
    stray_variables = drop_stray_variables()
    names = [name for line in read_lines(keep_from) if (name := line.strip())] if keep_from else []
    if keep_from and not names:
        raise InputError(f"{keep_from}: has no names")
    text = TextOptions(
        split, keep_patterns(keep or (), names), Glossary.load(glossary, src_lang, tgt_lang) if glossary else None
    )
    with started_processes() as processes:
        if processes.count > 1 and input_ == "-" and not table:
            raise InputError("several processes cannot share stdin: give the text with -i FILE")
        if stray_variables and processes.is_main:
            print(f"seq2seq: warning: {stray_variables}", file=sys.stderr)
        translator = Translator.of(folders, batch_size=batch_size, text=text)
        if min_confidence is not None and not translator.knows_confidence:
            raise InputError(
                f"{model[0]}: cannot estimate the confidence that --min-confidence needs; train it with this version"
            )
        search = partial(
            translator.stream,
            beam_size=beam_size,
            length_penalty=length_penalty,
            n_best=n_best,
            buffer_size=buffer_size,
        )
        source = Source(src_lang, frozenset(folders[0].profile.src_characters))
        del folders  # and the files that they hold open
        threshold = Threshold(min_confidence, otherwise == "source")
        translated = partial(in_shards, processes, buffer_size=buffer_size, search=search)
        summary = Summary(
            UNRELIABLE if min_confidence is None else min_confidence,
            source,
            unit="row" if table else "line",
            advice="" if table or as_json else "; see --json",
        )
        if extended:
            texts = translated_table(extended, translated, threshold, summary)
        else:
            layout = _as_json if as_json else _with_scores if scores else partial(_as_text, threshold=threshold)
            lines = read_lines(input_, encoding=encoding or "")
            texts = map(layout, summary.watch(translated(lines)))
        _write(output, texts, "rows" if table else "lines", processes.is_main)
        if processes.is_main:
            for warning in summary.warnings():
                print(f"seq2seq: {warning}", file=sys.stderr)


def _write(output: str, texts: Iterable[str], unit: str, is_main: bool) -> None:
    """Write all lines or rows; the main process alone, while the others compute."""
    with open_output(output if is_main else os.devnull) as file:
        for text in _counted(texts, unit, to_terminal=output == "-") if is_main else texts:
            file.write(text.encode())
            file.flush()


def _counted(texts: Iterable[str], unit: str, *, to_terminal: bool) -> Iterator[str]:
    """Pass lines or rows on, and count them on a terminal that does not show them."""
    if not sys.stderr.isatty() or (to_terminal and sys.stdout.isatty()):
        yield from texts
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(f"{{task.completed:,}} {unit}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        for text in texts:
            yield text
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


def _as_text(translation: "Translation", threshold: Threshold) -> str:
    """The hypotheses; where the confidence is too low, a blank line or the source."""
    from seq2seq.inference.translator import as_copy

    if threshold.accepts(translation):
        return "".join(f"{hypothesis.text}\n" for hypothesis in translation.hypotheses)
    return f"{as_copy(translation.source) if threshold.keeps_source else ''}\n"


def _with_scores(translation: "Translation") -> str:
    return "".join(f"{hypothesis.score:.6f}\t{hypothesis.text}\n" for hypothesis in translation.hypotheses)


def _as_json(translation: "Translation") -> str:
    hypotheses = [asdict(hypothesis) for hypothesis in translation.hypotheses]
    return json.dumps({"hypotheses": hypotheses, "confidence": translation.confidence}, ensure_ascii=False) + "\n"
