"""Translations of whole texts by a teacher, for its student to learn from.

They are kept in blocks, so that little is lost if the work is stopped.
"""

import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice, repeat
from pathlib import Path

from seq2seq.data.distillation_data import TextPair
from seq2seq.errors import Interrupted
from seq2seq.evaluation.metrics import METRICS
from seq2seq.inference.confidence import UNRELIABLE
from seq2seq.inference.translator import Translation, Translator
from seq2seq.io.lines import read_lines
from seq2seq.io.storage import discard, parse_json, read_json, replace_file, replacing, to_json
from seq2seq.signals import describe_signal
from seq2seq.training.interruption import Interruption
from seq2seq.training.progress import Progress

_BLOCK, _TIMED = 1000, 200
# Candidates of which the one closest to the reference is taken (Kim & Rush 2016, section 3.3).
_CANDIDATES = 5
_SHARE = "share.json"


class Relabelling:
    """Translates a text, or as much of it as the time allows, evenly spread."""

    def __init__(self, text: Path, references: Path | None, output: TextPair) -> None:
        """references: aligned with the text; of several translations the one closest to it is taken.

        output: `src` gets the lines that are translated, `tgt` their translations. Without references, those that the
        teacher itself thinks unreliable are left out.
        """
        self.text, self._references, self._output = text, references, output
        self._folder = output.src.with_suffix("")
        self._chrf = METRICS["chrF"]()

    @property
    def is_done(self) -> bool:
        """Whether the text is translated."""
        return self._output.tgt.is_file()

    def run(self, translator: Translator, seconds: float, progress: Progress) -> None:
        """Translate what is not translated yet. seconds: what the whole text may take.

        Raises Interrupted after a signal, with what is translated kept.
        """
        share = self._share(translator, seconds)
        total = int(share * self._lines)
        with Interruption() as interruption:
            for number, block in enumerate(_blocks(self._chosen(share))):
                if not self._block(number).exists():
                    replace_file(self._block(number), to_json(self._translate(translator, block)))
                done = number * _BLOCK + len(block)
                progress.translated(done, total)
                if stop := interruption.signal_number:
                    what = f"{done:,} of {total:,} lines translated"
                    raise Interrupted(stop, f"{describe_signal(stop)} with {what}: continue with --resume")
        self._join()

    def _share(self, translator: Translator, seconds: float) -> float:
        """The share of the lines to translate, by the speed of some of them."""
        path = self._folder / _SHARE
        if not path.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            sample = list(self._chosen(min(1.0, _TIMED / self._lines)))
            started = time.monotonic()
            self._translate(translator, sample)
            needed = (time.monotonic() - started) / len(sample) * self._lines
            replace_file(path, to_json(min(1.0, seconds / needed)))
        return float(read_json(path))

    @cached_property
    def _lines(self) -> int:
        return sum(1 for _ in read_lines(self.text))

    def _rows(self) -> Iterator[tuple[str, str]]:
        """The lines of the text, with their references or blanks."""
        references = read_lines(self._references) if self._references else repeat("")
        return zip(read_lines(self.text), references, strict=False)

    def _chosen(self, share: float) -> Iterator[tuple[str, str]]:
        """This share of the rows, evenly spread."""
        return (row for number, row in enumerate(self._rows()) if int((number + 1) * share) > int(number * share))

    def _translate(self, translator: Translator, rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The lines of the rows with their translations."""
        n_best = _CANDIDATES if self._references else 1
        keeps_all = self._references or not translator.knows_confidence
        translations = translator.stream([line for line, _ in rows], n_best=n_best)
        return [
            (line, self._closest(translation, reference))
            for (line, reference), translation in zip(rows, translations, strict=True)
            if keeps_all or (translation.confidence or 0.0) >= UNRELIABLE
        ]

    def _closest(self, translation: Translation, reference: str) -> str:
        texts = [hypothesis.text for hypothesis in translation.hypotheses]
        return max(texts, key=lambda text: self._chrf.sentence_score(text, [reference]).score)

    def _block(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"

    def _join(self) -> None:
        """Write the output, and delete the blocks."""
        # The translations, which tell that all is done, are the last to be complete.
        with replacing(self._output.tgt) as tgt, replacing(self._output.src) as src:
            for path in sorted(path for path in self._folder.iterdir() if path.name != _SHARE):
                for line, translation in parse_json(path.read_bytes(), path):
                    src.write(f"{line}\n".encode())
                    tgt.write(f"{translation}\n".encode())
        discard(self._folder)


def _blocks(rows: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while block := list(islice(rows, _BLOCK)):
        yield block
