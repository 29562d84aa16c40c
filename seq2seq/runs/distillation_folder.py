"""The layout of the folder of a distillation; its names are defined only here, in `run_folder.py` and in `pairs/`.

distillation.json     what is distilled
pairs/                the training pairs of each source and the validation pairs, as aligned text files
forward/              the run of a teacher that translates as the student, unless one is given
backward/             the run of a teacher of the reverse direction, likewise
translations/         aligned text files of which a teacher wrote one side, and folders with parts of unfinished ones
student/              the run of the student
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seq2seq.data.distillation_data import PairsFolder, TextPair
from seq2seq.runs.run_folder import DISTILLATION, STUDENT

Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class DistillationFolder:
    """The files of a distillation."""

    path: Path

    @property
    def settings(self) -> Path:
        """What is distilled, as JSON."""
        return self.path / DISTILLATION

    @property
    def pairs(self) -> PairsFolder:
        """The pairs as text."""
        return PairsFolder(self.path / "pairs")

    def teacher(self, direction: Direction) -> Path:
        """The run of a teacher."""
        return self.path / direction

    def translations(self, name: str) -> TextPair:
        """A text and its translations by a teacher."""
        return TextPair.at(self.path / "translations" / name)

    @property
    def student(self) -> Path:
        """The run of the student."""
        return self.path / STUDENT
