"""`seq2seq evaluate`."""

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import repeat, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Protocol

import typer

from seq2seq.cli.search_options import BatchSize, BeamSize, LengthPenalty
from seq2seq.config import validate_config
from seq2seq.errors import InputError
from seq2seq.text.lines import open_output, read_lines

if TYPE_CHECKING:
    from seq2seq.evaluation import CorpusScorer
    from seq2seq.text.bitext import Bitext


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(help="Model or run folder that translates the sources; without it, give --hyp.")
    ] = None,
    src: Annotated[str | None, typer.Option(metavar="FILE", help="Source sentences, one a line.")] = None,
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
    if (model is None) == (hyp is None):
        raise InputError("give either a MODEL that translates, or --hyp with a file of translations")
    if hyp is not None and any(option is not None for option in (src, output, beam_size, length_penalty)):
        raise InputError("--src, -o, --beam-size and --length-penalty are for a MODEL; --hyp is scored as it is")
    if [*(ref or ()), src, hyp, by].count("-") > 1:
        raise InputError("stdin (-) can be read only once")
    if ref and model is not None and src is None:
        raise InputError("--src is missing: give the file that MODEL is to translate")
    if not ref and src is not None:
        raise InputError("--src goes with --ref; a table or a data set has its own sources")

    from seq2seq.model_folder import open_model
    from seq2seq.text.sources import DOWNLOADS, open_sources

    # A damaged model is told before anything else is read, and before torch is loaded.
    folder = open_model(model) if model is not None else None
    if ref:
        sources: _Lines | None = _File(src) if src is not None else None
        # The sacreBLEU command takes a byte order mark for text: to give its numbers, so does this.
        references: list[_Lines] = [_File(path, keep_mark=True) for path in ref]
    else:
        # The languages of the model tell which columns of a table are meant.
        languages = folder.config.data.model_dump(include={"src_lang", "tgt_lang"}) if folder else {}
        where = {"train": input_, "dataset": dataset, "subset": subset, "split": split}
        columns = {"src_column": src_column, "tgt_column": tgt_column}
        data = validate_config({"data": {**languages, **where, **columns}}, "evaluate").data
        pairs = open_sources(data, Path("checkpoints") / DOWNLOADS).train[0].pairs
        sources, references = _Side(pairs, "src"), [_Side(pairs, "tgt")]
    given_hypotheses = _File(hyp, keep_mark=True) if hyp is not None else None
    groups = _File(by) if by is not None else None
    _expect_equal_lengths([one for one in (sources, given_hypotheses, *references, groups) if one])

    hypotheses: Iterator[str]
    if folder and sources:
        from seq2seq.translator import Translator

        translator = Translator(folder.load(), batch_size=batch_size)
        translations = translator.stream(sources, beam_size=beam_size, length_penalty=length_penalty)
        hypotheses = (translation.hypotheses[0].text for translation in translations)
    else:
        hypotheses = iter(given_hypotheses or ())
    with open_output(output) if output is not None else nullcontext() as file:
        scorers = _score(_kept(hypotheses, file), references, groups)
    _print(scorers, as_json)


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
    """See that everything fits before anything is translated; standard input cannot be counted beforehand."""
    counts = {str(one): sum(1 for _ in one) for one in files if str(one) != "-"}
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


def _score(
    hypotheses: Iterator[str], references: list[_Lines], groups: _Lines | None
) -> dict[str | None, "CorpusScorer"]:
    """A scorer for all lines, under None, and one for each group."""
    from seq2seq.evaluation import CorpusScorer

    scorers: dict[str | None, CorpusScorer] = {None: CorpusScorer()}
    names = (name.strip() for name in groups) if groups else repeat(None)
    rows = zip_longest(hypotheses, zip(*references, strict=True))
    for number, (hypothesis, line_references) in enumerate(rows, start=1):
        if hypothesis is None or line_references is None:
            raise InputError(f"the translations and the references differ in number, from line {number:,} on")
        for name in {None, next(names)}:
            scorers.setdefault(name, CorpusScorer()).add(hypothesis, line_references)
    return scorers


def _print(scorers: dict[str | None, "CorpusScorer"], as_json: bool) -> None:
    scores = {name: scorer.scores() for name, scorer in scorers.items()}
    if as_json:
        rows = [{**asdict(one), "group": name, "lines": scorers[name].lines} for name in scores for one in scores[name]]
        print(json.dumps(rows, indent=2))
        return
    overall = scores.pop(None)
    for score in overall:
        print(f"{score.name:<5} {score.score:6.2f}  {score.signature}")
    if scores:
        print(f"\n{'group':<20} {'lines':>7}" + "".join(f" {one.name:>7}" for one in overall))
    for name, group in scores.items():
        print(f"{name or '-':<20} {scorers[name].lines:>7,}" + "".join(f" {one.score:7.2f}" for one in group))
