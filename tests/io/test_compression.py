"""Compressed files are recognised by their content; truncated and damaged ones are errors."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from seq2seq.errors import InputError
from seq2seq.io.file_type import type_of_file
from seq2seq.io.lines import open_output, read_lines

TEXT = "".join(f"line {number} {random.Random(number).random()}\n" for number in range(3000))
LINES = TEXT.splitlines()


def zipped(data: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("a.txt",):
            archive.writestr(name, data)
    return buffer.getvalue()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": zipped,
}


@pytest.mark.parametrize("name", ["text", "TEXT.GZ", "text.tsv", "own"])
@pytest.mark.parametrize("kind", COMPRESS)
def test_content_decides(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / (f"text{kind}" if name == "own" else name)
    path.write_bytes(COMPRESS[kind](TEXT.encode()))
    assert list(read_lines(path)) == LINES


@pytest.mark.parametrize("kind", [".gz", ".zst", ".bz2", ".xz"])
def test_concatenated_streams_are_one_text(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"".join(COMPRESS[kind](part.encode()) for part in ("one\ntw", "o\n", "three\n")))
    assert list(read_lines(path)) == ["one", "two", "three"]


def test_an_xz_file_may_be_padded(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(lzma.compress(b"one\n") + bytes(8))
    assert list(read_lines(tmp_path / "text")) == ["one"]


@pytest.mark.parametrize("kind", COMPRESS)
def test_truncated_files_are_errors(kind: str, tmp_path: Path) -> None:
    path, data = tmp_path / f"text{kind}", COMPRESS[kind](TEXT.encode())
    for end in (0, 1, 3, 20, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(InputError, match=r"(damaged \w+ file|unreadable zip archive) after line \d+ \("):
            list(read_lines(path))


@pytest.mark.parametrize("kind", [".bz2", ".xz", ".zip"])
def test_damage_is_an_error_or_changes_nothing(kind: str, tmp_path: Path) -> None:
    path, data, draw = tmp_path / "text", COMPRESS[kind](TEXT.encode()), random.Random(1)
    unharmed = 0
    for _ in range(200):
        damaged = bytearray(data)
        damaged[draw.randrange(len(data))] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        with suppress(InputError):
            assert list(read_lines(path)) == LINES
            unharmed += 1
    assert unharmed < 100


@pytest.mark.parametrize("name", ["a.txt", "mimetype"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_archive_of_any_method_is_an_error(method: int, name: str, tmp_path: Path) -> None:
    buffer, path, draw = io.BytesIO(), tmp_path / "text", random.Random(1)
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, TEXT[:500])
    errors = 0
    for _ in range(300):
        damaged = bytearray(buffer.getvalue())
        for _ in range(draw.randrange(1, 4)):
            damaged[draw.randrange(len(damaged))] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        type_of_file(path)
        try:
            list(read_lines(path))
        except InputError:
            errors += 1
    assert errors > 100


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "is a Git LFS pointer"),
        (b"%PDF-1.7\n", "is a PDF"),
        (zipped(b"x", "[Content_Types].xml", "word/document.xml"), "is an Office document"),
        (zipped(b"x", "[Content_Types].xml", "xl/workbook.xml"), "is a spreadsheet"),
        (zipped(b"x", "a.txt", "b.txt"), "a zip archive of 2 files"),
        (zipped(b""), None),
    ],
)
def test_what_is_no_text_is_named(content: bytes, reason: str | None, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content)
    if reason is None:
        assert list(read_lines(path)) == []
        return
    with pytest.raises(InputError, match=rf"pairs.tsv: {reason}"):
        list(read_lines(path))


@pytest.mark.parametrize("kind", ["plain", ".gz", ".xz"])
def test_a_tar_archive_is_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text(TEXT)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(tmp_path / "train.en", "train.en")
    path = tmp_path / "train.gz"
    path.write_bytes(COMPRESS.get(kind, bytes)(buffer.getvalue())) if kind != "plain" else None
    if kind == "plain":
        path = tmp_path / "train.tar"
        path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="is a tar archive; extract it first"):
        list(read_lines(path))


def test_a_bomb_is_bounded(tmp_path: Path) -> None:
    """45 bytes of bzip2 decompress to 45 MB: what is decompressed at once is bounded."""
    path = tmp_path / "text"
    path.write_bytes(bz2.compress(bytes(200_000_000)))
    with pytest.raises(InputError, match="line 1: over 16,777,216 bytes long"):
        list(read_lines(path))


@pytest.mark.parametrize("kind", ["bz2", "xz", "zip"])
def test_output_is_not_written_in_these_forms(kind: str, tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"output is written as .gz, .zst or plain text"),
        open_output(tmp_path / f"out.{kind}"),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["BZh is not a word.", "Rar! he said.", "PK is short.", "7z is a name.", "ustar at the start"]
)
def test_text_that_begins_like_a_format_is_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(f"{text}\n")
    assert list(read_lines(tmp_path / "text")) == [text]


def test_an_empty_bzip2_file_is_an_empty_text(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(bz2.compress(b""))
    assert list(read_lines(tmp_path / "text")) == []
