"""The disk holds the old state or the new one; the error for a damaged folder names its first bad file."""

import errno
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import InputError
from seq2seq.io import storage
from seq2seq.io.manifest import FolderWriter, SealedFolder
from seq2seq.io.storage import current_or_backup, read_json, recover_folder, replace_file, to_json

FILES = {"config.json": b"{}\n", "weights": bytes(range(256)) * 40, "sub/empty": b""}


def publish(path: Path, files: dict[str, bytes] = FILES) -> Path:
    writer = FolderWriter(path)
    for name, data in files.items():
        writer.write(name, data)
    return writer.publish()


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    edit(manifest["files"])
    (folder / "manifest.json").write_text(json.dumps(manifest))


def fail(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "injected")


def test_published_folder_is_complete_and_verifies(tmp_path: Path) -> None:
    folder = publish(tmp_path / "new" / "model")
    assert folder == tmp_path / "new" / "model"
    assert content(folder) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    SealedFolder(folder, required=FILES)


def test_folder_is_invisible_until_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "model"
    writer = FolderWriter(path)
    writer.write("config.json", b"{}")
    assert not path.exists()
    with pytest.raises(InputError, match=re.escape(f"{path}: missing or incomplete")):
        SealedFolder(path, required=[])


def test_leftovers_of_an_interrupted_writer_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    FolderWriter(path).write("left over", b"half")
    assert content(publish(path)) == FILES
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    publish(tmp_path / "model")
    folder = publish(tmp_path / "model", {"config.json": b"other"})
    assert content(folder) == {"config.json": b"other"}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("failing_rename", [1, 2])
def test_an_older_folder_survives_a_crash_during_its_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_rename: int
) -> None:
    folder = publish(tmp_path / "model")
    replace, renames = os.replace, 0

    def counted(source: Path, target: Path) -> None:
        nonlocal renames
        renames += 1
        if renames == failing_rename:
            fail()
        replace(source, target)

    with monkeypatch.context() as broken, pytest.raises(OSError, match="injected"):
        broken.setattr(os, "replace", counted)
        publish(folder, {"config.json": b"other"})
    SealedFolder(current_or_backup(folder), required=FILES)
    recover_folder(folder)
    assert content(folder) == FILES
    publish(folder, {"config.json": b"other"})
    assert content(current_or_backup(folder)) == {"config.json": b"other"}


# Three files, the manifest, the folder and its sub-folder are flushed before the rename, the folder around it after.
@pytest.mark.parametrize("failing_call", range(1, 8))
def test_folder_is_complete_or_absent_whichever_flush_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    calls = 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            fail()

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "model"
    with pytest.raises(OSError, match="injected"):
        publish(path)
    if path.exists():
        SealedFolder(path, required=FILES)


def test_folder_that_cannot_be_renamed_stays_invisible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="injected"):
        publish(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def _unlink(folder: Path) -> None:
    (folder / "weights").unlink()


def _alter(folder: Path) -> None:
    data = bytearray(FILES["weights"])
    data[-1] ^= 1
    (folder / "weights").write_bytes(data)


def _truncate(folder: Path) -> None:
    (folder / "weights").write_bytes(FILES["weights"][:-1])


def _lengthen(folder: Path) -> None:
    (folder / "weights").write_bytes(FILES["weights"] + b"\0")


def _make_folder(folder: Path) -> None:
    (folder / "weights").unlink()
    (folder / "weights").mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_unlink, "missing"),
        (_make_folder, "not a regular file"),
        (_alter, "altered"),
        (_truncate, "10239 bytes, the manifest says 10240"),
        (_lengthen, "10241 bytes, the manifest says 10240"),
    ],
)
def test_damaged_file_is_named(tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    folder = publish(tmp_path / "model")
    damage(folder)
    with pytest.raises(InputError, match=re.escape(f"{folder / 'weights'}: {message}")):
        SealedFolder(folder, required=FILES)


def _link_file(folder: Path, outside: Path) -> str:
    (outside / "same").write_bytes(FILES["weights"])
    (folder / "weights").unlink()
    (folder / "weights").symlink_to(outside / "same")
    return "weights"


def _link_folder(folder: Path, outside: Path) -> str:
    (outside / "empty").write_bytes(b"")
    (folder / "sub" / "empty").unlink()
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to(outside, target_is_directory=True)
    return "sub/empty"


def _list_parent(folder: Path, outside: Path) -> str:
    (outside / "weights").write_bytes(FILES["weights"])
    edit_manifest(folder, lambda files: files.update({"../outside/weights": files["weights"]}))
    return "../outside/weights"


def _list_absolute(folder: Path, outside: Path) -> str:
    (outside / "weights").write_bytes(FILES["weights"])
    name = str(outside / "weights")
    edit_manifest(folder, lambda files: files.update({name: files["weights"]}))
    return name


@pytest.mark.parametrize("reach_out", [_link_file, _link_folder, _list_parent, _list_absolute])
def test_nothing_outside_the_folder_is_accepted(tmp_path: Path, reach_out: Callable[[Path, Path], str]) -> None:
    folder = publish(tmp_path / "model")
    (tmp_path / "outside").mkdir()
    name = reach_out(folder, tmp_path / "outside")
    with pytest.raises(InputError, match=re.escape(f"{folder}/") + ".*" + re.escape(name)):
        SealedFolder(folder, required=[])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"{}",
        b'{"files": ["weights"]}',
        b'{"files": {"weights": ["bytes", "sha256"]}}',
        b'{"files": {"weights": {"bytes": 10240}}}',
        b'{"files": {"weights": null}}',
        b'{"files": {}}',
    ],
    ids=lambda data: str(data[:45]),
)
def test_damaged_manifest_is_named(tmp_path: Path, data: bytes) -> None:
    folder = publish(tmp_path / "model")
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(InputError, match=re.escape(f"{folder / 'manifest.json'}: ")) as caught:
        SealedFolder(folder, required=["weights"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "no/such/file", "a\0b", "x" * 300])
def test_impossible_file_name_is_an_input_error(tmp_path: Path, name: str) -> None:
    folder = publish(tmp_path / "model")
    edit_manifest(folder, lambda files: files.update({name: files["weights"]}))
    with pytest.raises(InputError, match=re.escape(str(folder))):
        SealedFolder(folder, required=[])


@pytest.mark.parametrize("name", ["missing", "file", "empty"])
def test_path_that_is_not_a_model_folder_is_an_input_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: missing or incomplete")):
        SealedFolder(tmp_path / name, required=[])


class _HalfWriter(io.FileIO):
    """A file that writes half of its data, then fails as on a full disk."""

    def write(self, data: Any, /) -> int:
        super().write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "injected")


def _break(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    if operation == "write":
        monkeypatch.setattr(storage, "open", _HalfWriter, raising=False)
    else:
        monkeypatch.setattr(os, operation, fail)


@pytest.mark.parametrize("operation", ["write", "fsync", "replace"])
@pytest.mark.parametrize("old", [b"old content", None])
def test_file_keeps_its_old_content_when_replacing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, old: bytes | None
) -> None:
    path = tmp_path / "checkpoints.json"
    if old is not None:
        path.write_bytes(old)
    with monkeypatch.context() as broken:
        _break(broken, operation)
        with pytest.raises(OSError, match="injected"):
            replace_file(path, b"new content")
    assert (path.read_bytes() if path.exists() else None) == old
    replace_file(path, b"new content")
    assert path.read_bytes() == b"new content"
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_flushed_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operations: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        operations.append("flush")
        fsync(descriptor)

    def recorded_replace(src: Path, dst: Path) -> None:
        operations.append("rename")
        replace(src, dst)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    replace_file(tmp_path / "file", b"data")
    assert operations == ["flush", "rename", "flush"]
    operations.clear()
    publish(tmp_path / "model", {"one": b"1"})
    # The file, the manifest and the folder; then the folder around it.
    assert operations == ["flush"] * 3 + ["rename", "flush"]


def test_json_round_trips_and_is_readable_text(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None, True], "a": {"text": "é\u2028\n"}}
    path = tmp_path / "value.json"
    path.write_bytes(to_json(value))
    assert read_json(path) == value
    assert list(read_json(path)) == ["b", "a"]
    assert "é" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("data", [None, b"", b"{", b"\xff\xfe{}", b"[" * 100_000], ids=lambda data: str(data)[:10])
def test_json_that_cannot_be_read_is_an_input_error(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "value.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=re.escape(f"{path}: ")) as caught:
        read_json(path)
    assert "\n" not in str(caught.value)
