"""The text that all toolkits train on and translate: raw, and as pieces of one SentencePiece model."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sacrebleu
import sentencepiece

from seq2seq.io.lines import read_lines

SPECIALS = {"unk": "<unk>", "pad": "<pad>", "bos": "<s>", "eos": "</s>"}
"""In the order of their ids."""


@dataclass
class Corpus:
    """Files `train.LANG` and `valid.LANG`, and `train.pieces.LANG` and `valid.pieces.LANG` as pieces."""

    folder: Path
    src: str
    tgt: str

    def file(self, split: str, language: str, pieces: bool = False) -> Path:
        """Path of one side of a split."""
        return self.folder / f"{split}{'.pieces' if pieces else ''}.{language}"

    @property
    def tokenizer(self) -> Path:
        """The SentencePiece model."""
        return self.folder / "spm.model"

    @property
    def vocabulary(self) -> Path:
        """Its pieces, one per line, without the special tokens."""
        return self.folder / "pieces.txt"

    def first(self, lines: int, pieces: bool) -> Path:
        """Write the first lines of the validation source to a file."""
        path = self.file(f"first-{lines}", self.src, pieces)
        with self.file("valid", self.src, pieces).open(encoding="utf-8") as file:
            path.write_text("".join(islice(file, lines)), encoding="utf-8")
        return path

    def bleu(self, output: Path, pieces: bool) -> float:
        """BLEU of translations of the first lines of the validation source."""
        lines = output.read_text(encoding="utf-8").splitlines()
        if pieces:
            lines = ["".join(line.split()).replace("\u2581", " ").strip() for line in lines]
        references = list(islice(read_lines(str(self.file("valid", self.tgt))), len(lines)))
        return float(sacrebleu.corpus_bleu(lines, [references]).score)


def prepare(folder: Path, sources: dict[str, tuple[str, str]], languages: tuple[str, str], vocab_size: int) -> Corpus:
    """Decompress `sources` (files of "train" and "valid"), train the SentencePiece model, write the pieces."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(folder, *languages)
    for split, files in sources.items():
        for language, file in zip(languages, files, strict=True):
            corpus.file(split, language).write_text("".join(f"{line}\n" for line in read_lines(file)), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.Train(
        input=",".join(str(corpus.file("train", language)) for language in languages),
        model_prefix=str(corpus.tokenizer.with_suffix("")),
        vocab_size=vocab_size,
        character_coverage=1.0,
        minloglevel=2,
        unk_id=0,
        pad_id=1,
        bos_id=2,
        eos_id=3,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(corpus.tokenizer))
    pieces = [processor.IdToPiece(i) for i in range(len(SPECIALS), len(processor))]
    corpus.vocabulary.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    for split in sources:
        for language in languages:
            lines = processor.Encode(list(read_lines(str(corpus.file(split, language)))), out_type=str)
            text = "".join(" ".join(line) + "\n" for line in lines)
            corpus.file(split, language, pieces=True).write_text(text, encoding="utf-8")
    return corpus
