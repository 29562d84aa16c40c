"""`seq2seq evaluate`."""

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.errors import InputError
from seq2seq.text.lines import open_output, read_lines


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(help="Model or run folder that translates --src; without it, give --hyp.")
    ] = None,
    src: Annotated[str | None, typer.Option(help="Source sentences, one a line.")] = None,
    ref: Annotated[
        list[str] | None, typer.Option(help="Reference translations, line by line; repeat for more.")
    ] = None,
    hyp: Annotated[str | None, typer.Option(help="Score this file instead of translating.")] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Keep the model's translations here.")] = None,
    beam_size: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Hypotheses kept in search; 1 is greedy.")
    ] = None,
    length_penalty: Annotated[
        float | None, typer.Option(min=0.0, max=10.0, help="Exponent of the length penalty.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=65536, help="Sentences at once; changes no translation.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a model or a file of translations.

    Gives BLEU, chrF and TER. The numbers and signatures are those of the sacreBLEU command with its default settings.
    """
    if not ref:
        raise InputError("--ref is missing: give the file with the reference translations")
    if (model is None) == (hyp is None):
        raise InputError("give either a MODEL with --src, or --hyp with a file of translations")
    if hyp is not None and any(option is not None for option in (src, output, beam_size, length_penalty)):
        raise InputError("--src, -o, --beam-size and --length-penalty are for a MODEL; --hyp is scored as it is")
    if [*ref, src, hyp].count("-") > 1:
        raise InputError("stdin (-) can be read only once")
    # The sacreBLEU command takes a byte order mark for text: to give its numbers, so does this.
    references = [list(read_lines(path, keep_mark=True)) for path in ref]
    if model is not None:
        hypotheses = _translate(model, src, references, beam_size, length_penalty, batch_size, output)
    else:
        hypotheses = list(read_lines(str(hyp), keep_mark=True))

    from seq2seq.evaluation import score_corpus

    scores = score_corpus(hypotheses, references)
    if as_json:
        print(json.dumps([asdict(score) for score in scores], indent=2))
        return
    for score in scores:
        print(f"{score.name:<5} {score.score:6.2f}  {score.signature}")


def _translate(
    model: Path,
    src: str | None,
    references: list[list[str]],
    beam_size: int | None,
    length_penalty: float | None,
    batch_size: int,
    output: str | None,
) -> list[str]:
    if src is None:
        raise InputError("--src is missing: give the file that MODEL is to translate")
    sources = list(read_lines(src))
    for reference in references:
        if len(reference) != len(sources):
            raise InputError(f"{src} has {len(sources):,} lines but a reference has {len(reference):,}")
    from seq2seq.translator import Translator

    translator = Translator.load(model, batch_size=batch_size)
    with open_output(output) if output is not None else nullcontext() as file:
        hypotheses = translator.translate(sources, beam_size=beam_size, length_penalty=length_penalty)
        if file is not None:
            file.write("".join(f"{line}\n" for line in hypotheses).encode())
    return hypotheses
