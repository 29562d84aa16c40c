"""`seq2seq evaluate`."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Protocol

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.cli.pairs import open_pairs
from seq2seq.cli.scores import draw_by_length, print_sentences, score_lines
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_rereadable, open_output, printable, read_lines

if TYPE_CHECKING:
    from seq2seq.data.bitext import Bitext
    from seq2seq.evaluation.metrics import MetricSet
    from seq2seq.runs.model_folder import ModelFolder

# References that decide on the tokenizer.
_SAMPLE = 1000


def evaluate(
    context: typer.Context,
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL",
            help="Model or run folder to translate with; several form an ensemble. Without it, give --hyp.",
        ),
    ] = None,
    src: Annotated[str | None, typer.Option(metavar="FILE", help="Source sentences, one per line.")] = None,
    ref: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Reference translations, one per line; may be repeated.")
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Table of sources and references: TSV, CSV, JSON, Parquet, spreadsheet, TMX, XLIFF or PO.",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="FOLDER|NAME", help="Hugging Face dataset, a folder or a name.")
    ] = None,
    subset: options.Subset = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Split of the dataset.")] = "test",
    src_column: options.SrcColumn = None,
    tgt_column: options.TgtColumn = None,
    encoding: options.Encoding = None,
    hyp: Annotated[str | None, typer.Option(metavar="FILE", help="Score this file instead of translating.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with one group name per line; each group is scored too.")
    ] = None,
    by_length: Annotated[
        bool, typer.Option("--by-length", help="Score by source length too; with --hyp, give --src.")
    ] = False,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Plot the first metric by source length, as .png or .svg; needs --by-length."
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Another system's translations, compared by paired bootstrap resampling."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="Metrics, separated by commas: bleu, chrf, chrf++, ter; default: bleu,chrf,ter."
        ),
    ] = None,
    tokenize: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="sacreBLEU's tokenizer for BLEU, such as 13a, intl, zh, ja-mecab, char or flores200; default: what "
            "suits the language, 13a for most.",
        ),
    ] = None,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Ignore case in BLEU; chrF keeps it, and TER always ignores it.")
    ] = False,
    sentence: Annotated[
        bool, typer.Option("--sentence", help="Print the scores of each line, separated by tabs, and no others.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write the model's translations to this file.")
    ] = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    batch_size: options.BatchSize = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a model or a file of translations.

    Prints BLEU, chrF and TER, or the --metrics given. Scores and signatures are those of the sacreBLEU command.
    """
    _Evaluation(**context.params).run()


@dataclass(frozen=True, kw_only=True)
class _Evaluation:
    """The options of `evaluate`, validated."""

    model: list[Path] | None
    src: str | None
    ref: list[str] | None
    input_: str | None
    dataset: str | None
    subset: str | None
    split: str
    src_column: str | None
    tgt_column: str | None
    encoding: str | None
    hyp: str | None
    by: str | None
    by_length: bool
    plot: str | None
    baseline: str | None
    metrics: list[str] | None
    tokenize: str | None
    lowercase: bool
    sentence: bool
    output: str | None
    beam_size: int | None
    length_penalty: float | None
    batch_size: int
    as_json: bool

    def __post_init__(self) -> None:
        """Raises InputError if options are missing or exclude each other."""
        if sum(given is not None for given in (self.ref or None, self.input_, self.dataset)) != 1:
            raise InputError("give the references: --ref FILE, or --input with a table, or --dataset")
        self._check_metrics()
        if bool(self.model) == (self.hyp is not None):
            raise InputError("give either a MODEL that translates, or --hyp with a file of translations")
        if self.hyp is not None:
            self._check_hyp_options()
        if self.sentence and (self.by_length or self.by is not None or self.baseline is not None):
            raise InputError("--sentence prints one line per sentence; leave out --by, --by-length and --baseline")
        if self.by is not None and self.by_length:
            raise InputError("--by and --by-length cannot be combined")
        if self.plot is not None and not self.by_length:
            raise InputError("--plot draws scores by length: give --by-length too")
        if [*(self.ref or ()), self.src, self.hyp, self.baseline, self.by].count("-") > 1:
            raise InputError("stdin (-) can be read only once")
        if self.by_length:
            expect_rereadable(self.src)
        inputs = (self.src, *(self.ref or ()), self.input_, self.dataset, self.hyp, self.by, self.baseline)
        check_outputs((self.output, self.plot), inputs)
        if self.ref and self.src is None and (self.model or self.by_length):
            what = "for MODEL to translate" if self.model else "of sources"
            raise InputError(f"--src is missing: give the file {what}")
        if not self.ref and self.src is not None:
            raise InputError("--src goes with --ref; a table or a dataset has its own sources")

    def _check_metrics(self) -> None:
        from seq2seq.evaluation.metrics import METRICS

        metrics = self._metric_names()
        if "BLEU" not in metrics and (self.tokenize is not None or self.lowercase):
            raise InputError("--tokenize and --lowercase are for BLEU: add it to --metrics")
        for path in self.model or ():
            if self.metrics and str(path).lower() in map(str.lower, METRICS) and not path.exists():
                raise InputError(f"separate the metrics by commas: --metrics {','.join(metrics).lower()},{path}")

    def _metric_names(self) -> list[str]:
        """The metrics in the order given, each once. Raises InputError if one does not exist."""
        from seq2seq.evaluation.metrics import DEFAULT_METRICS, metric_named

        given = [name for names in self.metrics or () for name in names.replace(",", " ").split()]
        return list(dict.fromkeys(map(metric_named, given))) or list(DEFAULT_METRICS)

    def _check_hyp_options(self) -> None:
        if any(option is not None for option in (self.output, self.beam_size, self.length_penalty)):
            raise InputError("-o, --beam-size and --length-penalty are for a MODEL; --hyp is scored as it is")
        if self.src is not None and not self.by_length:
            raise InputError("--src is for a MODEL that translates it, or for --by-length; --hyp is scored as it is")

    def run(self) -> None:
        """Score, and print the scores."""
        from seq2seq.analysis.plotting import open_chart
        from seq2seq.evaluation.checks import LineChecks
        from seq2seq.evaluation.metrics import align_lines
        from seq2seq.runs.model_folder import open_models

        # A damaged model is reported before anything else is read, and before torch is loaded.
        folders = open_models(self.model or [])
        sources, references = self._test_set(folders[0] if folders else None)
        given = [self._file(path, keep_bom=True) for path in (self.hyp, self.baseline) if path is not None]
        names: _Lines = _Names(self.by, self.encoding or "") if self.by is not None else ()
        _expect_equal_lengths([lines for lines in (sources, *given, *references, names) if lines])
        metrics, first_references = self._metric_set(folders[0] if folders else None, references[0])
        checks = LineChecks(
            [str(path) for path in (*(self.model or ())[:1], self.hyp, self.baseline) if path is not None]
        )
        # The chart is opened first, so that an error in writing the translations is not reported as one of the chart.
        with open_chart(self.plot) if self.plot is not None else nullcontext() as panels:
            with open_output(self.output) if self.output is not None else nullcontext() as file:
                systems: list[Iterable[str]] = [*given]
                if folders:
                    systems.insert(0, _tee(self._translations(folders, sources), file))
                aligned = align_lines(systems, [first_references, *references[1:]], self._groups(sources, names))
                lines = checks.watch(aligned)
                if self.sentence:
                    print_sentences(lines, metrics, as_json=self.as_json)
                    scores = None
                else:
                    scores = score_lines(lines, metrics, sort=self.by_length, compare=self.baseline is not None)
            if panels and scores:
                draw_by_length(panels[0], scores.groups, _labels(self.model or [Path(self.hyp or "")], self.baseline))
        for warning in checks.warnings():
            _report(f"warning: {warning}")
        if scores:
            print(scores.as_json() if self.as_json else scores)

    def _metric_set(self, folder: "ModelFolder | None", references: Iterable[str]) -> "tuple[MetricSet, Iterable[str]]":
        """The metrics, and the references, of which the first lines are read where they decide on a tokenizer.

        Reports the tokenizer unless it is sacreBLEU's default. Raises InputError if it cannot be used.
        """
        from seq2seq.evaluation.metrics import MetricSet
        from seq2seq.evaluation.tokenizers import choose_tokenizer

        names = self._metric_names()
        if "BLEU" not in names:
            return MetricSet(names), references
        remaining = iter(references)
        first = list(islice(remaining, _SAMPLE))
        chosen = choose_tokenizer(self.tokenize, folder.config.data.tgt_lang if folder else "", first)
        if chosen.note:
            _report(f"{chosen.note}; --tokenize NAME chooses another")
        if chosen.warning:
            _report(f"warning: {chosen.warning}")
        metrics = MetricSet(names, tokenize=chosen.name, lowercase=self.lowercase, effective_order=self.sentence)
        return metrics, chain(first, remaining)

    def _test_set(self, folder: "ModelFolder | None") -> "tuple[_Lines, list[_Lines]]":
        """The sources, if there are any, and one or more sets of references."""
        if self.ref:
            sources: _Lines = self._file(self.src) if self.src is not None else ()
            # The sacreBLEU command treats a byte order mark as text; so does this, to give the same scores.
            return sources, [self._file(path, keep_bom=True) for path in self.ref]
        table = {"train": self.input_, "dataset": self.dataset, "subset": self.subset, "encoding": self.encoding}
        if self.dataset:
            table["split"] = self.split
        columns = {"src_column": self.src_column, "tgt_column": self.tgt_column}
        pairs = open_pairs("evaluate", folder, **table, **columns)
        return _Side(pairs, "src"), [_Side(pairs, "tgt")]

    def _file(self, path: str, *, keep_bom: bool = False) -> "_File":
        return _File(path, self.encoding or "", keep_bom)

    def _groups(self, sources: "_Lines", names: "_Lines") -> Iterable[Any] | None:
        """The group of each line, if there are any."""
        from seq2seq.evaluation.length_bins import length_bins

        if self.by_length:
            return length_bins(sources)
        return (name.strip() for name in names) if names else None

    def _translations(self, folders: "list[ModelFolder]", sources: Iterable[str]) -> Iterator[str]:
        from seq2seq.inference.translator import Translator

        translator = Translator.of(folders, batch_size=self.batch_size)
        translations = translator.stream(sources, beam_size=self.beam_size, length_penalty=self.length_penalty)
        return (translation.hypotheses[0].text for translation in translations)


def _labels(system: list[Path], baseline: str | None) -> list[str]:
    """Labels of the systems in a chart: the names of their folders or files, if these differ."""
    names = [" + ".join(path.name for path in system), *([Path(baseline).name] if baseline is not None else [])]
    return names if len(set(names)) == len(names) else ["system", "baseline"]


class _Lines(Protocol):
    """Lines that can be read again, and a name for them."""

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class _File:
    path: str
    encoding: str
    keep_bom: bool = False

    def __str__(self) -> str:
        return self.path

    def __iter__(self) -> Iterator[str]:
        from seq2seq.data.sentences import read_sentences

        return read_sentences(self.path, keep_bom=self.keep_bom, encoding=self.encoding)


class _Names(_File):
    """Names of groups, one per line, in a file of any suffix."""

    def __iter__(self) -> Iterator[str]:
        return read_lines(self.path, encoding=self.encoding)


@dataclass(frozen=True)
class _Side:
    pairs: "Bitext"
    side: str

    def __str__(self) -> str:
        return str(self.pairs)

    def __iter__(self) -> Iterator[str]:
        return (getattr(pair, self.side) for pair in self.pairs)


def _expect_equal_lengths(files: list[_Lines]) -> None:
    """Check line counts before anything is translated, except of inputs that can be read only once."""
    counts = {
        str(lines): sum(1 for _ in lines)
        for lines in files
        if not isinstance(lines, _File) or Path(lines.path).is_file()
    }
    if not counts:
        return
    (first, count), *others = counts.items()
    for other, other_count in others:
        if other_count != count:
            raise InputError(f"{first} has {count:,} lines but {other} has {other_count:,}")


def _report(text: str) -> None:
    """Print a line on stderr."""
    print(printable(f"seq2seq: {text}"), file=sys.stderr)


def _tee(lines: Iterable[str], file: BinaryIO | None) -> Iterator[str]:
    """Pass lines on, writing each to `file`."""
    for line in lines:
        if file is not None:
            file.write(f"{line}\n".encode())
        yield line
