"""The pairs of a distillation as text, which its teachers and its student are trained on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seq2seq.config import DataConfig, TokenizerConfig
from seq2seq.data.bitext import Pair
from seq2seq.data.findings import SourceReport
from seq2seq.data.preparation import encode_selection, selected
from seq2seq.data.report import DataReport
from seq2seq.data.sources import Sources
from seq2seq.io.storage import Workspace, discard, new_file


@dataclass(frozen=True)
class TextPair:
    """Two aligned text files, whether they exist yet or not."""

    src: Path
    tgt: Path

    @classmethod
    def at(cls, stem: Path) -> "TextPair":
        """Those that have this path and end in `.src` and `.tgt`."""
        return cls(stem.with_name(f"{stem.name}.src"), stem.with_name(f"{stem.name}.tgt"))

    @property
    def swapped(self) -> "TextPair":
        """The same files in the reverse direction."""
        return TextPair(self.tgt, self.src)


@dataclass(frozen=True)
class PairsFolder:
    """The training pairs of each source, and the validation pairs."""

    path: Path

    def train(self, number: int) -> TextPair:
        """The training pairs of a source, the first of which has number 1."""
        return TextPair.at(self.path / f"train-{number}")

    @property
    def valid(self) -> TextPair:
        """The validation pairs."""
        return TextPair.at(self.path / "valid")


def export_pairs(data: DataConfig, tokenizer: TokenizerConfig, sources: Sources, folder: Path) -> DataReport:
    """Write the pairs that a training on `sources` would read, all files or none.

    Returns the report of that training. Raises InputError if files cannot be read, do not match or hold too few pairs.
    """
    with Workspace(folder) as workspace:
        new, encoded = PairsFolder(workspace.new), workspace.new / "encoded"
        with selected(data, tokenizer, sources, encoded) as (selection, tokenizers):
            report = encode_selection(data, sources, selection, tokenizers, encoded, encoded / "train")
            for index in range(len(sources.train)):
                blocks = selection.training_pairs_of(index, SourceReport(""))
                _write(new.train(index + 1), (pair for pairs in blocks for pair in pairs))
            _write(new.valid, selection.validation_pairs(SourceReport("")))
        discard(encoded)
        workspace.commit()
    return report


def _write(files: TextPair, pairs: Iterable[Pair]) -> None:
    with new_file(files.src) as src, new_file(files.tgt) as tgt:
        for pair in pairs:
            src.write(f"{pair.src}\n".encode())
            tgt.write(f"{pair.tgt}\n".encode())
