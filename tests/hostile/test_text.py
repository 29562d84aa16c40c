"""Any text is read exactly, or is a one-line error with file and line number; memory stays bounded."""

import codecs
import gzip
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from seq2seq import Translator
from seq2seq.cli import app
from seq2seq.cli.translate import in_shards
from seq2seq.distributed import Processes
from seq2seq.errors import InputError
from seq2seq.inference.part_search import Result, Source
from seq2seq.io import compression, file_type
from seq2seq.io import lines as lines_module
from seq2seq.io.lines import LONGEST_LINE, read_lines, read_raw_lines
from seq2seq.search.options import Hypothesis

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "text": bytes,
    "text.gz": gzip.compress,
    "text.zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}


def read(path: Path) -> tuple[list[str], str | None]:
    """The lines of a file, and the error that ends them, if any."""
    lines: list[str] = []
    try:
        lines.extend(read_lines(path))  # keeps what came before the error
    except InputError as error:
        return lines, str(error)
    return lines, None


def expected(data: bytes, longest: int) -> tuple[list[str], int | None]:
    """The lines before the first unreadable one, and its number."""
    good: list[str] = []
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n") if data else [], start=1):
        try:
            if len(line) > longest:
                return good, number
            good.append((line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).decode("utf-8"))
        except UnicodeDecodeError:
            return good, number
    return good, None


# Beginnings of files that are not text, or are compressed: `tests/io/test_compression.py`.
MAGIC = (
    *compression._MAGIC.values(), *compression._ARCHIVES, compression._LFS_POINTER, *file_type._MAGIC
)  # fmt: skip
BYTES = st.one_of(
    st.binary(max_size=80),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(str.encode),
    st.lists(
        st.sampled_from(
            [b"\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\xe6\x97", "日".encode(), b"a"]
        )
    ).map(b"".join),
)


@given(BYTES, st.sampled_from([5, 16, LONGEST_LINE]), st.sampled_from(sorted(COMPRESS)))
@example(b"12345\n123456\n", 5, "text")
@example(b"12345", 5, "text.gz")
@example(b"\n\n123456", 5, "text.zst")
@settings(deadline=None, max_examples=1500)
def test_any_bytes_are_lines_or_an_error_with_file_and_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, longest: int, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(COMPRESS[name](data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "LONGEST_LINE", longest)
        actual, error = read(path)
    if error and re.match(rf"{re.escape(str(path))}, line 1: not UTF-8 but UTF-16", error):
        assert data.split(b"\n")[0].count(0) >= 3
        assert actual == []
        return
    if data.startswith(MAGIC):
        return
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert error is None or error.startswith(f"{path}, line {len(actual) + 1}: ")
        return
    if error and error.startswith(f"{path}: its lines end in \\r"):
        assert data.split(b"\n")[0].count(b"\r") > 1
        return
    lines, bad = expected(data, longest)
    assert actual == lines
    assert (error or "").startswith(f"{path}, line {bad}: " if bad else "")
    assert bool(error) == bool(bad)


@given(st.binary(max_size=200), st.sampled_from(["text.gz", "text.zst"]), st.integers(0, 100), st.booleans())
@settings(deadline=None, max_examples=1000)
def test_any_damage_to_a_compressed_file_is_an_error_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, name: str, position: int, only_junk: bool
) -> None:
    """`only_junk`: the whole file is junk; otherwise a valid file is overwritten from an offset on."""
    text = "".join(f"line {number}\n" for number in range(20)).encode()
    compressed = COMPRESS[name](text)
    offset = position % len(compressed)
    damaged = junk if only_junk else compressed[:offset] + junk + compressed[offset + len(junk) :]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(damaged)
    lines, error = read(path)
    if error:
        assert re.match(rf"{re.escape(str(path))}(, line \d+)?: .+$", error)
    else:
        assert lines == ([] if damaged in (b"", bytes(len(damaged))) else text.decode().splitlines())


@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["Der Mann läuft.\nund so\u2028weiter\n", "One line only, without an end", "Ein Mann\r\nZwei 😀\r\n" * 9999]
)
def test_a_byte_order_mark_tells_the_encoding(codec: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes((text if codec in ("utf-16", "utf-32") else f"\ufeff{text}").encode(codec))
    assert list(read_lines(path)) == text.removesuffix("\n").split("\n")
    with pytest.raises(InputError, match=r"line 1: not UTF-8 but UTF-(16|32); convert it to UTF-8"):
        list(read_raw_lines(path))


@pytest.mark.parametrize(("codec", "name"), [("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")])
def test_utf16_without_a_mark_is_an_error_that_says_so(codec: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("Ein Mann\r\nZwei\r\n".encode(codec))
    with pytest.raises(InputError, match=f"line 1: not UTF-8 but {name}; convert it to UTF-8, or give"):
        list(read_lines(path))
    assert list(read_lines(path, encoding=name)) == ["Ein Mann\r", "Zwei\r"]


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "cp1252"])
def test_an_encoding_that_is_given_is_used(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress("déjà\nvu €\n".replace("€", "¤").encode("latin-1")))
    assert list(read_lines(path, encoding=encoding)) == ["déjà", "vu ¤"]


def test_bytes_that_an_encoding_lacks_are_an_error_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"one\n" * 50_000 + b"tw\x81o\n")
    lines: list[str] = []
    with pytest.raises(InputError, match="line 50001: not windows-1252 "):
        lines.extend(read_lines(path, encoding="windows-1252"))
    assert lines == ["one"] * 50_000
    for name in ("klingon", "base64", "a\0b", "x" * 1000):
        with pytest.raises(InputError, match="no encoding "):
            list(read_lines(path, encoding=name))


def test_the_only_line_that_is_not_utf8_is_told_from_a_file_of_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("Español\n".encode("latin-1") + "número\n".encode() * 9)
    with pytest.raises(InputError, match=r"line 1: not UTF-8 .*; no other line is like that, so correct that one"):
        list(read_lines(path))
    path.write_bytes("Español\nnúmero\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"line 1: not UTF-8 .*; convert it to UTF-8, or give its encoding"):
        list(read_lines(path))


@pytest.mark.parametrize(
    "data",
    [
        "schön".encode("latin-1"),
        "schön".encode().decode("latin-1").encode("utf-16")[2:5] + b"\xff",
        b"\xed\xa0\xbd\xed\xb8\x80",
    ],
)
def test_other_encodings_name_line_and_byte(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"good\n" + data + b"\n")
    with pytest.raises(InputError, match=r"text, line 2: not UTF-8 \(byte 0x.. at column \d+\)"):
        list(read_lines(tmp_path / "text"))


@pytest.mark.parametrize("line", ["\0", "a\0b", "\0\0\0\0\0\0\0\0\0\0", "tab\0separated\0words", "ein\0"])
def test_nul_is_an_ordinary_character(line: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(f"{line}\nun\n{line}\n")
    assert list(read_lines(tmp_path / "text")) == [line, "un", line]
    result = CliRunner().invoke(app, ["translate", str(model), "-i", str(tmp_path / "text"), "--beam-size", "1"])
    translations = result.stdout_bytes.split(b"\n")[:-1]
    assert len(translations) == 3
    assert translations[0] == translations[2]


READ = """
from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines
result = 0
try:
    for line in read_lines(argument):
        result += 1
except InputError as error:
    result = str(error)
"""
BLOCK = 2**24


def bomb(path: Path, content: bytes, times: int) -> Path:
    path.write_bytes(COMPRESS[path.name](content) * times)
    return path


@pytest.mark.parametrize("name", ["text.gz", "text.zst"])
def test_an_endless_line_is_an_error_in_little_memory(
    name: str, tmp_path: Path, run_isolated: Callable[..., Any]
) -> None:
    """4 GiB, compressed to less than 5 MB."""
    path = bomb(tmp_path / name, b"a" * BLOCK, 256)
    assert path.stat().st_size < 5 * 10**6
    assert run_isolated(READ, str(path), 250) == f"{path}, line 1: over 16,777,216 bytes long; is this a text file?"


@pytest.mark.parametrize("name", ["text.gz", "text.zst"])
def test_a_long_file_takes_no_more_memory_than_a_short_one(
    name: str, tmp_path: Path, run_isolated: Callable[..., Any]
) -> None:
    """Half a GiB in lines of 16 KiB."""
    path = bomb(tmp_path / name, (b"a" * (2**14 - 1) + b"\n") * (BLOCK // 2**14), 32)
    assert run_isolated(READ, str(path), 250) == 32 * BLOCK // 2**14


def test_the_memory_limit_would_be_hit(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    """Control for the two tests above."""
    code = "try: result = len(bytes(2**28))\nexcept MemoryError: result = 'full'"
    assert run_isolated(READ + code, str(bomb(tmp_path / "text.zst", b"a\n", 1)), 250) == "full"


def test_a_zstd_file_that_needs_much_memory_is_refused(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = tmp_path / "text.zst"
    path.write_bytes(compressor.compress(b"a\n" * 100) + compressor.flush())
    message = run_isolated(READ, str(path), 250)
    assert message.startswith(f"{path}: damaged zstd file after line 0 (")
    assert "too much memory" in message


@pytest.fixture
def instant(model: Path, monkeypatch: pytest.MonkeyPatch) -> Translator:
    """A translator whose translations are its input."""
    translator = Translator.load(model)

    def search(sources: list[Source], _: object) -> list[Result]:
        copies = [Hypothesis(source.ids, -1.0, -1.0, (-1.0,)) for source in sources]
        return [Result([copy], source.ids, copy) for source, copy in zip(sources, copies, strict=True)]

    monkeypatch.setattr(translator._search, "search", search)
    return translator


def test_a_line_of_ten_megabytes_is_translated_in_parts(instant: Translator) -> None:
    line = " ".join(itertools.islice(itertools.cycle(["un", "deux", "trois", "quatre"]), 2_000_000))
    assert len(line) > 10**7
    first, long, last = instant.stream(["un", line, "deux"])
    assert [first.hypotheses[0].text, last.hypotheses[0].text] == ["un", "deux"]
    assert long.parts > 10_000
    assert long.hypotheses[0].text.split() == line.split()


SPLIT = """
from seq2seq import Translator
translator = Translator.load(argument)
# Copying the rest of the line for each part would take hours.
segmenter = translator._segmenter
segmenter._limit = 2
(line,) = segmenter.segment(["un " * 300_000])
result = len(line.parts)
"""


def test_splitting_takes_linear_time(model: Path, run_isolated: Callable[..., Any]) -> None:
    assert run_isolated(SPLIT, str(model), 4000) >= 150_000


def test_no_more_long_lines_are_read_than_fit(instant: Translator) -> None:
    """A buffer of 512 lines must not hold 512 long ones."""
    read = []
    source = (read.append(number) or "un " * 400_000 for number in range(100))  # type: ignore[func-returns-value]
    next(instant.stream(source))
    assert len(read) == 1


def test_the_command_reads_no_more_long_lines_than_fit(instant: Translator) -> None:
    """Also before lines are distributed to processes."""
    read = []
    source = (read.append(number) or " " * 2**21 for number in range(100))  # type: ignore[func-returns-value]
    with Processes() as processes:
        next(in_shards(processes, source, 512, instant.stream))
    assert len(read) == 1


@pytest.mark.parametrize("line", ["\ud800", "un \udfff deux"])
def test_a_lone_surrogate_is_reported_with_its_line(line: str, model: Path) -> None:
    translations = Translator.load(model).stream(["un", "", line, "deux"], beam_size=1, buffer_size=1)
    next(translations)
    next(translations)
    with pytest.raises(InputError, match=r"line 3: not valid Unicode \('\\u[0-9a-f]{4}' is a lone surrogate\)"):
        next(translations)
