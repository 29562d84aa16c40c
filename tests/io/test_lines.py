"""Only `\\n` ends a line; errors say where; an output appears complete or not at all."""

import gzip
import io
import random
import re
import sys
import time
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.errors import InputError
from seq2seq.io.lines import open_output, read_lines

# Characters that str.splitlines or a text reader might treat as the end of a line, and NUL.
NO_LINE_ENDS = ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


ENDINGS = ["", ".gz", ".zst"]


def compress(data: bytes, suffix: str) -> bytes:
    if suffix == ".zst":
        return zstandard.ZstdCompressor(write_checksum=True).compress(data)
    return gzip.compress(data) if suffix == ".gz" else data


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(compress(data, path.suffix))
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("character", NO_LINE_ENDS, ids=ascii)
def test_only_newline_ends_a_line(tmp_path: Path, ending: str, character: str) -> None:
    path = write(tmp_path / f"text{ending}", f"a{character}b\n{character}\nc{character}".encode())
    assert list(read_lines(path)) == [f"a{character}b", character, f"c{character}"]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\n\n", ["a", ""]),
        (b"a\r\nb\r\n", ["a\r", "b\r"]),
        (b" a \n\t\n", [" a ", "\t"]),
    ],
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_lines_are_counted_as_wc_does_and_the_last_needs_no_newline(
    tmp_path: Path, ending: str, data: bytes, lines: list[str]
) -> None:
    assert list(read_lines(write(tmp_path / f"text{ending}", data))) == lines


def test_byte_order_mark_is_dropped_at_the_start_only(tmp_path: Path) -> None:
    path = write(tmp_path / "text", "\ufeff\ufeffa\n\ufeffb\n".encode())
    assert list(read_lines(path)) == ["\ufeffa", "\ufeffb"]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_concatenated_compressed_files_are_one_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"text{ending}"
    path.write_bytes(b"".join(compress(part, ending) for part in (b"a\nb", b"", b"c\nd\n")))
    assert list(read_lines(path)) == ["a", "bc", "d"]


def test_files_of_other_zstd_writers_are_read(tmp_path: Path) -> None:
    """Frames without size or checksum, with the widest usual window, among skippable frames."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    path = tmp_path / "text.zst"
    path.write_bytes(skipped + compressor.compress(b"a\nb\n") + compressor.flush() + skipped)
    assert list(read_lines(path)) == ["a", "b"]


def test_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é\r\u2028\nb".encode()), encoding="ascii"))
    assert list(read_lines("-")) == ["é\r\u2028", "b"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))), st.sampled_from(ENDINGS))
@settings(deadline=None)
def test_any_lines_are_preserved(tmp_path_factory: pytest.TempPathFactory, lines: list[str], suffix: str) -> None:
    if lines:
        lines[0] = lines[0].lstrip("\ufeff")
    path = tmp_path_factory.getbasetemp() / f"lines{suffix}"
    with open_output(path) as file:
        file.writelines(f"{line}\n".encode() for line in lines)
    assert list(read_lines(path)) == lines


def test_wrong_encoding_names_file_line_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "latin1", b"good\nalso good\ncaf\xe9 noir\n")
    lines = read_lines(path)
    assert [next(lines), next(lines)] == ["good", "also good"]
    with pytest.raises(InputError, match=re.escape(f"{path}, line 3: not UTF-8 (byte 0xe9 at column 4)")):
        next(lines)


@pytest.mark.parametrize("data", [b"a\n\xed\xa0\x80\n", b"a\n\xc0\xaf\n", b"a\n\xe6\x97\n"])
def test_surrogates_overlong_and_truncated_characters_are_not_utf8(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match="line 2: not UTF-8"):
        list(read_lines(write(tmp_path / "text", data)))


def _damage(compressed: bytes, kind: str) -> bytes:
    return {
        "bad block": compressed[:10] + b"\xff" * 50 + compressed[60:],
        "truncated in the middle": compressed[: len(compressed) // 2],
        "truncated in the trailer": compressed[:-3],
        "truncated in the header": compressed[:3],
        "wrong checksum": compressed[:-8] + bytes(byte ^ 1 for byte in compressed[-8:]),
        "garbage after the end": compressed + b"garbage",
        "second part truncated": compressed + compressed[:-1],
        "not compressed": b"plain text\n",
    }[kind]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize(
    "kind",
    [
        "bad block",
        "truncated in the middle",
        "truncated in the trailer",
        "truncated in the header",
        "wrong checksum",
        "garbage after the end",
        "second part truncated",
        "not compressed",
    ],
)
def test_damaged_compressed_file_names_file_and_last_good_line(tmp_path: Path, ending: str, kind: str) -> None:
    draw = random.Random(1)
    lines = [f"{draw.getrandbits(400):x}" for _ in range(2000)]
    path = tmp_path / f"text{ending}"
    path.write_bytes(_damage(compress("".join(f"{line}\n" for line in lines).encode(), ending), kind))
    lines_read: list[str] = []
    with pytest.raises(InputError) as caught:
        lines_read.extend(read_lines(path))
    # `extend` keeps what came before the error.
    name = {".gz": "gzip", ".zst": "zstd"}[ending]
    assert str(caught.value).startswith(f"{path}: damaged {name} file after line {len(lines_read)} ")
    assert "\n" not in str(caught.value)
    assert lines_read == (lines + lines)[: len(lines_read)]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_truncated_compressed_file_is_always_an_error(tmp_path: Path, ending: str) -> None:
    compressed = compress("".join(f"line {number}\n" for number in range(100)).encode(), ending)
    path = tmp_path / f"text{ending}"
    for size in range(1, len(compressed)):
        path.write_bytes(compressed[:size])
        with pytest.raises(InputError, match="damaged"):
            list(read_lines(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "no such file"),
        ("missing.gz", "no such file"),
        ("missing.zst", "no such file"),
        ("folder", "is a folder"),
        ("folder.gz", "is a folder"),
        ("folder.zst", "is a folder"),
    ],
)
def test_missing_file_and_folder_are_input_errors(tmp_path: Path, name: str, message: str) -> None:
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: {message}")):
        list(read_lines(tmp_path / name))


def test_file_used_as_a_folder_is_an_input_error(tmp_path: Path) -> None:
    path = write(tmp_path / "file", b"a\n") / "text"
    with pytest.raises(InputError, match=re.escape(str(path))):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["out", "out.gz", "out.zst"])
def test_output_appears_only_when_complete(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, b"old\n")
    with open_output(path) as file:
        file.write(b"new\n" * 10_000)
        file.flush()
        assert list(read_lines(path)) == ["old"]
    assert list(read_lines(path)) == ["new"] * 10_000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [InputError("bad line"), RuntimeError("fault"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["out", "out.gz", "out.zst"])
@pytest.mark.parametrize("old", [True, False])
def test_output_is_unchanged_when_writing_fails(tmp_path: Path, name: str, old: bool, error: BaseException) -> None:
    path = tmp_path / name
    if old:
        write(path, b"old\n")

    def work() -> None:
        with open_output(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)) as caught:
        work()
    assert caught.value is error
    assert [(entry, list(read_lines(entry))) for entry in tmp_path.iterdir()] == ([(path, ["old"])] if old else [])


@pytest.mark.parametrize("name", ["out.gz", "out.zst"])
def test_output_is_compressed_as_its_suffix_says(tmp_path: Path, name: str) -> None:
    with open_output(tmp_path / name) as file:
        file.write(b"a\nb\n")
    compressed = (tmp_path / name).read_bytes()
    text = (
        gzip.decompress(compressed)
        if name == "out.gz"
        else zstandard.ZstdDecompressor().decompressobj().decompress(compressed)
    )
    assert text == b"a\nb\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_text_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Whatever the file is called, when it is written, and how often the text is flushed."""
    for number, name in enumerate((f"one{ending}", f"other{ending}")):
        monkeypatch.setattr(time, "time", lambda number=number: 1e9 * number)
        with open_output(tmp_path / name) as file:
            for line in range(5000):
                file.write(f"{line}\n".encode())
                if number:
                    file.flush()
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"other{ending}").read_bytes()


@pytest.mark.parametrize("name", ["no/such/folder/out", "folder"])
def test_output_that_cannot_be_written_is_an_input_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: cannot be written")),
        open_output(tmp_path / name),
    ):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_dash_is_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_output("-") as file:
        file.write("é\u2028\n".encode())
    assert capsysbinary.readouterr().out == "é\u2028\n".encode()


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_empty_compressed_file_is_damaged(suffix: str, tmp_path: Path) -> None:
    """As `gzip -t` and `zstd -t` say; an empty text compresses to some bytes."""
    path = tmp_path / f"text{suffix}"
    path.touch()
    with pytest.raises(InputError, match=r"damaged .* file after line 0"):
        list(read_lines(path))
    with open_output(path):
        pass
    assert list(read_lines(path)) == []


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"a\ncaf\xe9\nb\n", "no other line is like that"),
        (b"a\ncaf\xe9\n", "no other line is like that"),
        # One line that is the whole file, such as one with the line ends of old Macintosh programs.
        (b"caf\xe9\rth\xe9\r", "convert it to UTF-8, or give its encoding"),
        (b"caf\xe9\nth\xe9\n", "convert it to UTF-8, or give its encoding"),
    ],
)
def test_what_to_do_about_bytes_that_are_not_utf8(content: bytes, advice: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=f"not UTF-8 .*; {advice}"):
        list(read_lines(tmp_path / "a.txt"))
