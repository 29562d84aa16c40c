"""Only `\\n` ends a line; what cannot be read says where; an output appears whole or not at all."""

import gzip
import io
import random
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.errors import InputError
from seq2seq.text.lines import open_output, read_lines

# All that str.splitlines or a text reader might take for the end of a line, and NUL.
NO_LINE_ENDS = ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["text", "text.gz"])
@pytest.mark.parametrize("character", NO_LINE_ENDS, ids=ascii)
def test_only_newline_ends_a_line(tmp_path: Path, name: str, character: str) -> None:
    path = write(tmp_path / name, f"a{character}b\n{character}\nc{character}".encode())
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
@pytest.mark.parametrize("name", ["text", "text.gz"])
def test_lines_are_counted_as_wc_does_and_the_last_needs_no_newline(
    tmp_path: Path, name: str, data: bytes, lines: list[str]
) -> None:
    assert list(read_lines(write(tmp_path / name, data))) == lines


def test_byte_order_mark_is_left_out_at_the_start_only(tmp_path: Path) -> None:
    path = write(tmp_path / "text", "\ufeff\ufeffa\n\ufeffb\n".encode())
    assert list(read_lines(path)) == ["\ufeffa", "\ufeffb"]


def test_joined_gzip_files_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n"))
    assert list(read_lines(path)) == ["a", "bc", "d"]


def test_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é\r\u2028\nb".encode()), encoding="ascii"))
    assert list(read_lines("-")) == ["é\r\u2028", "b"]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))), st.sampled_from(["", ".gz"])
)
@settings(deadline=None)
def test_any_lines_come_back(tmp_path_factory: pytest.TempPathFactory, lines: list[str], suffix: str) -> None:
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
def test_surrogates_overlong_and_cut_characters_are_not_utf8(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match="line 2: not UTF-8"):
        list(read_lines(write(tmp_path / "text", data)))


def _damage(packed: bytes, kind: str) -> bytes:
    return {
        "bad block": packed[:10] + b"\xff" * 50 + packed[60:],
        "cut in the middle": packed[: len(packed) // 2],
        "cut in the trailer": packed[:-3],
        "cut in the header": packed[:5],
        "wrong checksum": packed[:-8] + bytes(4) + packed[-4:],
        "garbage after the end": packed + b"garbage",
        "not gzip": b"plain text\n",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "bad block",
        "cut in the middle",
        "cut in the trailer",
        "cut in the header",
        "wrong checksum",
        "garbage after the end",
        "not gzip",
    ],
)
def test_damaged_gzip_names_file_and_last_good_line(tmp_path: Path, kind: str) -> None:
    draw = random.Random(1)
    lines = [f"{draw.getrandbits(400):x}" for _ in range(2000)]
    path = tmp_path / "text.gz"
    path.write_bytes(_damage(gzip.compress("".join(f"{line}\n" for line in lines).encode()), kind))
    found: list[str] = []
    with pytest.raises(InputError) as caught:
        found.extend(read_lines(path))
    # `extend` keeps what came before the error.
    assert str(caught.value).startswith(f"{path}: damaged gzip file after line {len(found)} ")
    assert "\n" not in str(caught.value)
    assert found == lines[: len(found)]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing", "no such file"),
        ("missing.gz", "no such file"),
        ("folder", "is a folder"),
        ("folder.gz", "is a folder"),
    ],
)
def test_missing_file_and_folder_are_input_errors(tmp_path: Path, name: str, complaint: str) -> None:
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: {complaint}")):
        list(read_lines(tmp_path / name))


def test_file_taken_for_a_folder_is_an_input_error(tmp_path: Path) -> None:
    path = write(tmp_path / "file", b"a\n") / "text"
    with pytest.raises(InputError, match=re.escape(str(path))):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["out", "out.gz"])
def test_output_appears_only_when_it_is_whole(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, b"old\n")
    with open_output(path) as file:
        file.write(b"new\n" * 10_000)
        file.flush()
        assert list(read_lines(path)) == ["old"]
    assert list(read_lines(path)) == ["new"] * 10_000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [InputError("bad line"), RuntimeError("fault"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["out", "out.gz"])
@pytest.mark.parametrize("old", [True, False])
def test_output_stays_as_it_was_when_the_work_fails(tmp_path: Path, name: str, old: bool, error: BaseException) -> None:
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
    assert [(one, list(read_lines(one))) for one in tmp_path.iterdir()] == ([(path, ["old"])] if old else [])


def test_gzip_output_is_gzip(tmp_path: Path) -> None:
    with open_output(tmp_path / "out.gz") as file:
        file.write(b"a\nb\n")
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == b"a\nb\n"


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
