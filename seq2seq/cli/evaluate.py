"""`seq2seq evaluate`."""

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Protocol

import typer

from seq2seq.cli.pairs import open_pairs
from seq2seq.cli.scores import GroupScores, draw_bleu, print_scores
from seq2seq.cli.search_options import BatchSize, BeamSize, LengthPenalty
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_different_files, expect_rereadable, open_output, read_lines

if TYPE_CHECKING:
    from seq2seq.data.bitext import Bitext
    from seq2seq.runs.model_folder import ModelFolder


def evaluate(
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Model or run folder that translates the sources, several as an ensemble; without it, give --hyp."
        ),
    ] = None,
    src: Annotated[str | None, typer.Option(metavar="FILE", help="Source sentences, one per line.")] = None,
    ref: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Reference translations, line by line; repeat for more.")
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Table of sources and references: TSV, CSV, JSON lines or Parquet."
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="FOLDER|NAME", help="Hugging Face data set, a folder or a name.")
    ] = None,
    subset: Annotated[str | None, typer.Option(metavar="NAME", help="Configuration of the data set.")] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Split of the data set.")] = "test",
    src_column: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the source in tables.")] = "",
    tgt_column: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the reference.")] = "",
    hyp: Annotated[str | None, typer.Option(metavar="FILE", help="Score this file instead of translating.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with a word for each line; scores each such group too.")
    ] = None,
    by_length: Annotated[
        bool, typer.Option("--by-length", help="Score by the length of the source too; with --hyp, give --src.")
    ] = False,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw BLEU over --by-length, as .png or .svg.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="FILE", help="Another system's translations, scored for comparison.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Keep the model's translations here.")
    ] = None,
    beam_size: BeamSize = None,
    length_penalty: LengthPenalty = None,
    batch_size: BatchSize = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a model or a file of translations.

    Gives BLEU, chrF and TER. The numbers and signatures are those of the sacreBLEU command with its default settings.
    """
    if sum(given is not None for given in (ref or None, input_, dataset)) != 1:
        raise InputError("give the references: --ref FILE, or --input with a table, or --dataset")
    if bool(model) == (hyp is not None):
        raise InputError("give either a MODEL that translates, or --hyp with a file of translations")
    if hyp is not None and any(option is not None for option in (output, beam_size, length_penalty)):
        raise InputError("-o, --beam-size and --length-penalty are for a MODEL; --hyp is scored as it is")
    if hyp is not None and src is not None and not by_length:
        raise InputError("--src is for a MODEL that translates it, or for --by-length; --hyp is scored as it is")
    if by is not None and by_length:
        raise InputError("--by and --by-length exclude each other")
    if plot is not None and not by_length:
        raise InputError("--plot draws what --by-length finds: give both")
    if [*(ref or ()), src, hyp, baseline, by].count("-") > 1:
        raise InputError("stdin (-) can be read only once")
    if by_length:
        expect_rereadable(src)
    expect_different_files((output, plot), (src, *(ref or ()), input_, hyp, by, baseline))
    if ref and src is None and (model or by_length):
        raise InputError(f"--src is missing: give the file {'that MODEL is to translate' if model else 'of sources'}")
    if not ref and src is not None:
        raise InputError("--src goes with --ref; a table or a data set has its own sources")

    from seq2seq.runs.model_folder import open_models

    # A damaged model is told before anything else is read, and before torch is loaded.
    folders = open_models(model or [])
    if ref:
        sources: _Lines = _File(src) if src is not None else ()
        # The sacreBLEU command takes a byte order mark for text: to give its numbers, so does this.
        references: list[_Lines] = [_File(path, keep_mark=True) for path in ref]
    else:
        where = {"train": input_, "dataset": dataset, "subset": subset, "split": split}
        columns = {"src_column": src_column, "tgt_column": tgt_column}
        pairs = open_pairs("evaluate", folders[0] if folders else None, **where, **columns)
        sources, references = _Side(pairs, "src"), [_Side(pairs, "tgt")]
    given = [_File(path, keep_mark=True) for path in (hyp, baseline) if path is not None]
    names: _Lines = _File(by) if by is not None else ()
    _expect_equal_lengths([one for one in (sources, *given, *references, names) if one])

    from seq2seq.analysis.plotting import open_chart
    from seq2seq.evaluation.length_bins import length_bins
    from seq2seq.evaluation.metrics import score_groups

    groups: Iterable[Any] | None = None
    if by_length:
        groups = length_bins(sources)
    elif names:
        groups = (name.strip() for name in names)
    # The chart is opened first: an error of writing the translations is not taken for one of its own.
    with open_chart(plot) if plot is not None else nullcontext() as panels:
        with open_output(output) if output is not None else nullcontext() as file:
            systems: list[Iterable[str]] = [*given]
            if folders:
                translations = _translate(folders, sources, batch_size, beam_size, length_penalty)
                systems.insert(0, _kept(translations, file))
            scorers = score_groups(systems, references, groups)
        overall = GroupScores.of(None, scorers.pop(None))
        rows = [GroupScores.of(*item) for item in (sorted(scorers.items()) if by_length else scorers.items())]
        if panels:
            draw_bleu(panels[0], rows, _names(model or [Path(hyp or "")], baseline))
    if as_json:
        print(json.dumps([one for row in (overall, *rows) for one in row.as_json()], indent=2))
    else:
        print_scores(overall, rows)


def _names(system: list[Path], baseline: str | None) -> list[str]:
    """What the systems are called in a chart: by their folders or files, unless these have one name."""
    names = [" + ".join(one.name for one in system), *([Path(baseline).name] if baseline is not None else [])]
    return names if len(set(names)) == len(names) else ["system", "baseline"]


class _Lines(Protocol):
    """Lines that can be read again, and a name for them."""

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class _File:
    path: str
    keep_mark: bool = False

    def __str__(self) -> str:
        return self.path

    def __iter__(self) -> Iterator[str]:
        return read_lines(self.path, keep_mark=self.keep_mark)


@dataclass(frozen=True)
class _Side:
    pairs: "Bitext"
    side: str

    def __str__(self) -> str:
        return str(self.pairs)

    def __iter__(self) -> Iterator[str]:
        return (getattr(pair, self.side) for pair in self.pairs)


def _expect_equal_lengths(files: list[_Lines]) -> None:
    """See that everything fits before anything is translated; what can be read only once cannot be counted first."""
    counts = {str(one): sum(1 for _ in one) for one in files if not isinstance(one, _File) or Path(one.path).is_file()}
    if not counts:
        return
    (first, lines), *others = counts.items()
    for other, other_lines in others:
        if other_lines != lines:
            raise InputError(f"{first} has {lines:,} lines but {other} has {other_lines:,}")


def _kept(lines: Iterable[str], file: BinaryIO | None) -> Iterator[str]:
    """The lines, each written to `file` on its way."""
    for line in lines:
        if file is not None:
            file.write(f"{line}\n".encode())
        yield line


def _translate(
    folders: "list[ModelFolder]",
    sources: Iterable[str],
    batch_size: int,
    beam_size: int | None,
    length_penalty: float | None,
) -> Iterator[str]:
    from seq2seq.inference.translator import Translator

    translator = Translator.of(folders, batch_size=batch_size)
    translations = translator.stream(sources, beam_size=beam_size, length_penalty=length_penalty)
    return (translation.hypotheses[0].text for translation in translations)
