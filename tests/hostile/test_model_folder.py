"""Promise 6: a damaged or inconsistent model folder is a one-line error that names the file.

An attacker can write the manifest too: each of these folders is sealed again after it was altered, so that only the
contents of its files reveal the damage.
"""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq import Translator
from seq2seq.cli import app
from seq2seq.errors import InputError
from seq2seq.io.manifest import seal_folder
from seq2seq.runs.model_folder import FORMAT_VERSION, open_model

Damage = Callable[[Path], object]


def config(**changes: object) -> Damage:
    """Set `section__key` in `config.json`."""

    def damage(folder: Path) -> None:
        description = json.loads((folder / "config.json").read_bytes())
        for name, value in changes.items():
            *path, key = name.split("__")
            section = description
            for part in path:
                section = section[part]
            section[key] = value
        (folder / "config.json").write_text(json.dumps(description))

    return damage


def content(name: str, data: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(data)


def edited(name: str, edit: Callable[[bytes], bytes]) -> Damage:
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes()))


def with_header(header: bytes, tensors: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + tensors


def header(edit: Callable[[dict[str, Any]], object]) -> Damage:
    """Alter the header of the weights, not their bytes."""

    def damage(data: bytes) -> bytes:
        (size,) = struct.unpack("<Q", data[:8])
        entries = json.loads(data[8 : 8 + size])
        edit(entries)
        return with_header(json.dumps(entries).encode(), data[8 + size :])

    return edited("model.safetensors", damage)


def tensor(**changes: object) -> Damage:
    """Alter the entry of one tensor, a vector."""
    return header(lambda entries: entries["output_bias"].update(changes))


def in_half_precision(entries: dict[str, Any]) -> None:
    entry = entries["output_bias"]
    entry.update(dtype="F16", shape=[2 * entry["shape"][0]])


def with_another_axis(entries: dict[str, Any]) -> None:
    entries["output_bias"]["shape"].append(1)


def rename(old: str, new: str) -> Damage:
    return header(lambda entries: entries.update({new: entries.pop(old)}))


def swap(first: str, second: str) -> Damage:
    """Swap the names of two tensors."""

    def edit(entries: dict[str, Any]) -> None:
        entries[first], entries[second] = entries[second], entries[first]

    return header(edit)


def duplicate_tensor(data: bytes) -> bytes:
    """The header has two entries with the same name, each with its own bytes."""
    (size,) = struct.unpack("<Q", data[:8])
    tensors = data[8 + size :]
    offsets = [len(tensors), len(tensors) + 4]
    entry = json.dumps({"output_bias": {"dtype": "F32", "shape": [1], "data_offsets": offsets}})
    return with_header(entry.encode()[:-1] + b"," + data[9 : 8 + size], tensors + bytes(4))


def many_tensors(_: bytes) -> bytes:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return with_header(json.dumps({f"t{number}": entry for number in range(10**6)}).encode(), b"")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


ENORMOUS = {
    "embedding_size": 65536,
    "hidden_size": 65536,
    "context_size": 65536,
    "encoder_layers": 64,
    "decoder_layers": 64,
}

# Damage that only the contents of the files reveal, by the file that the error must name.
INCONSISTENT: dict[str, tuple[str, Damage]] = {
    # the weights, before torch is needed
    "no weights": ("model.safetensors", content("model.safetensors", b"")),
    "weights of seven bytes": ("model.safetensors", content("model.safetensors", bytes(7))),
    "weights of zeros": ("model.safetensors", content("model.safetensors", bytes(10_000))),
    "truncated weights": ("model.safetensors", edited("model.safetensors", lambda data: data[:-4])),
    "weights with trailing bytes": ("model.safetensors", edited("model.safetensors", lambda data: data + bytes(4))),
    "header longer than the file": ("model.safetensors", content("model.safetensors", struct.pack("<Q", 99) + b"{}")),
    "header of 2^63 bytes": ("model.safetensors", content("model.safetensors", struct.pack("<Q", 2**63) + b"{}")),
    "header of 2^64-1 bytes": ("model.safetensors", content("model.safetensors", b"\xff" * 8 + b"{}")),
    "header of blanks": ("model.safetensors", content("model.safetensors", with_header(b"{}" + b" " * 2**21, b""))),
    "header is not JSON": ("model.safetensors", content("model.safetensors", with_header(b"\x80\x04K\x01.", b""))),
    "header is deep": ("model.safetensors", content("model.safetensors", with_header(b'{"a":' * 200_000, b""))),
    "header is a list": ("model.safetensors", content("model.safetensors", with_header(b"[]", b""))),
    "a tensor twice": ("model.safetensors", edited("model.safetensors", duplicate_tensor)),
    "a million tensors": ("model.safetensors", edited("model.safetensors", many_tensors)),
    "offsets beyond the file": ("model.safetensors", tensor(data_offsets=[0, 2**60])),
    "offsets backwards": ("model.safetensors", tensor(data_offsets=[100, 0])),
    "negative offsets": ("model.safetensors", tensor(data_offsets=[-4, 0])),
    "offsets overlap": ("model.safetensors", tensor(data_offsets=[0, 1084])),
    "shape that overflows": ("model.safetensors", tensor(shape=[2**62, 2**62])),
    "negative shape": ("model.safetensors", tensor(shape=[-1])),
    "shape with a fraction": ("model.safetensors", tensor(shape=[1.5])),
    "shape larger than the bytes": ("model.safetensors", tensor(shape=[10**6])),
    "unknown type": ("model.safetensors", tensor(dtype="PICKLE")),
    "a type of half a megabyte": ("model.safetensors", tensor(dtype="x\n" * 250_000)),
    "wider type": ("model.safetensors", tensor(dtype="F64")),
    # the configuration
    "empty config": ("config.json", content("config.json", b"")),
    "config is a list": ("config.json", content("config.json", b"[]")),
    "config is truncated": ("config.json", edited("config.json", lambda data: data[:-9])),
    "config in UTF-16": ("config.json", edited("config.json", lambda data: data.decode().encode("utf-16") + b"\xff")),
    "config in Latin-1": ("config.json", content("config.json", b'{"format": "\xe9"}')),
    "config of blanks": ("config.json", edited("config.json", lambda data: data + b" " * 2**21)),
    "config of depth 100,000": ("config.json", content("config.json", b"[" * 100_000)),
    "config of objects in objects": ("config.json", content("config.json", b'{"a":' * 100_000)),
    "config without an end": ("config.json", content("config.json", b'{"format": 1, "facts": {')),
    "number of 5,000 digits": ("config.json", content("config.json", b'{"format": 1' + b"0" * 5000 + b"}")),
    "future format": ("config.json", config(format=FORMAT_VERSION + 1)),
    "format is a long text": ("config.json", config(format="x" * 10**6)),
    "format is deep": ("config.json", config(format=nested(900))),
    "no sections": ("config.json", config(config=None)),
    "no facts": ("config.json", config(facts=None)),
    "facts are a list": ("config.json", config(facts=["step", 3])),
    "facts are deep": ("config.json", config(facts__deep=nested(900))),
    "settings are deep": ("config.json", config(config__model__dropout=nested(900))),
    "unknown key": ("config.json", config(config__model__code="import os")),
    "unknown key with line ends": ("config.json", config(**{"config__model__a\nb\x1b[2J": 1})),
    "80,000 unknown keys": ("config.json", config(config__model={str(number): 0 for number in range(80_000)})),
    "negative size": ("config.json", config(config__model__hidden_size=-16)),
    "size of zero": ("config.json", config(config__model__hidden_size=0)),
    "size of 2^62": ("config.json", config(config__model__hidden_size=2**62)),
    "size is a text": ("config.json", config(config__model__hidden_size="x" * 10**6)),
    "unknown cell": ("config.json", config(config__model__cell="os.system")),
    "dropout is NaN": ("config.json", config(config__model__dropout=float("nan"))),
    "too many layers": ("config.json", config(config__model__encoder_layers=10**9)),
    "too large a beam": ("config.json", config(config__search__beam_size=10**9)),
    # the vocabulary; test_sentencepiece.py has more
    "empty profile file": ("profile.json", content("profile.json", b"")),
    "deep profile": ("profile.json", content("profile.json", b"[" * 100_000)),
    "forged profile": ("profile.json", content("profile.json", b'{"src_characters": {"a": -1}}')),
    "huge profile": ("profile.json", content("profile.json", b" " * 2**24)),
    "no vocabulary": ("joint.model", content("joint.model", b"")),
    "vocabulary is not a model": ("joint.model", content("joint.model", b"this is no model")),
    "vocabulary is truncated": ("joint.model", edited("joint.model", lambda data: data[:-3])),
    "vocabulary of 100 MB": ("joint.model", lambda folder: os.truncate(folder / "joint.model", 10**8)),
    # what the manifest does not list
    "unlisted vocabulary": ("manifest.json", config(config__tokenizer__joint=False)),
}

# Damage that only the shapes of the network reveal: these need torch.
MISMATCHED: dict[str, Damage] = {
    "enormous network": config(**{f"config__model__{key}": value for key, value in ENORMOUS.items()}),
    "one more layer": config(config__model__encoder_layers=2),
    "another width": config(config__model__hidden_size=18),
    "one direction": config(config__model__bidirectional=False),
    "integers": tensor(dtype="I32"),
    "narrow type": header(in_half_precision),
    "another axis": header(with_another_axis),
    "tensor of another name": rename("output_bias", "output_bia"),
    "tensor with a path for a name": rename("output_bias", "../../output_bias"),
    "two tensors swapped": swap("output_bias", "tgt_embedding.weight"),
    "no tensors": content("model.safetensors", with_header(b"{}", b"")),
}


def damaged(model: Path, path: Path, damage: Damage) -> Path:
    """A copy of the model, damaged and sealed again."""
    shutil.copytree(model, path)
    damage(path)
    (path / "manifest.json").unlink(missing_ok=True)
    seal_folder(path)
    return path


def manifest(edit: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(folder: Path) -> None:
        files = json.loads((folder / "manifest.json").read_bytes())["files"]
        edit(files)
        (folder / "manifest.json").write_text(json.dumps({"files": files}))

    return damage


def listing(name: str) -> Damage:
    """List a file under another name, with its true size and checksum."""
    return manifest(lambda files: files.update({name: files["README.md"]}))


def entry(**changes: object) -> Damage:
    return manifest(lambda files: files["README.md"].update(changes))


def pipe(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def link(name: str, target: str = "/dev/zero") -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return damage


def linked_copy(name: str) -> Damage:
    """Replace a file with a link to the same content elsewhere."""

    def damage(folder: Path) -> None:
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(folder.parent / name)

    return damage


def linked_folder(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "README.md").write_bytes((folder / "README.md").read_bytes())
    (folder / "sub").symlink_to(elsewhere)
    listing("sub/README.md")(folder)


def huge_weights(folder: Path) -> None:
    """A sparse file of zeros, which takes no space on disk but would in memory."""
    os.truncate(folder / "model.safetensors", 20 * 10**9)
    manifest(lambda files: files["model.safetensors"].update(bytes=20 * 10**9))(folder)


# The manifest and the files themselves: these are not sealed again.
MANIFESTS: dict[str, tuple[str, Damage]] = {
    "empty manifest": ("manifest.json", content("manifest.json", b"")),
    "deep manifest": ("manifest.json", content("manifest.json", b'{"files":' * 100_000)),
    "manifest of blanks": ("manifest.json", edited("manifest.json", lambda data: data + b" " * 2**21)),
    "files are a list": ("manifest.json", content("manifest.json", b'{"files": ["config.json"]}')),
    "too many files": (
        "manifest.json",
        manifest(lambda files: files.update({str(n): files["README.md"] for n in range(1000)})),
    ),
    **{
        f"listed as {name[:20]!a}": ("manifest.json", listing(name))
        for name in (
            "",
            ".",
            "..",
            "/",
            "/etc/passwd",
            "../joint/README.md",
            "sub/../README.md",
            "./README.md",
            "sub//x",
        )
    },
    **{f"listed as {name[:20]!a}": ("manifest.json", listing(name)) for name in ("a\0b", "\ud800", "a\nb", "\x1b[2J")},
    "long name": ("manifest.json", listing("x" * 300)),
    "long path": ("manifest.json", listing("x/" * 5000 + "x")),
    "bytes are true": ("manifest.json", entry(bytes=True)),
    "bytes are a text": ("manifest.json", entry(bytes="370")),
    "bytes have a fraction": ("manifest.json", entry(bytes=370.0)),
    "negative bytes": ("README.md", entry(bytes=-1)),
    "2^70 bytes": ("README.md", entry(bytes=2**70)),
    "no checksum": ("manifest.json", entry(sha256=None)),
    "checksum of another file": ("README.md", entry(sha256="0" * 64)),
    "entry is a list": ("manifest.json", manifest(lambda files: files.update({"README.md": ["bytes", "sha256"]}))),
    **{
        f"pipe for {name}": (name, pipe(name))
        for name in ("config.json", "model.safetensors", "joint.model", "README.md")
    },
    "pipe for the manifest": ("model", pipe("manifest.json")),
    **{f"device for {name}": (name, link(name)) for name in ("config.json", "model.safetensors", "joint.model")},
    "device for the manifest": ("model", link("manifest.json")),
    **{f"link for {name}": (name, linked_copy(name)) for name in ("config.json", "manifest.json", "README.md")},
    "link to itself": ("config.json", link("config.json", "config.json")),
    "link to a folder": ("sub", linked_folder),
    "weights of 20 GB": ("model", huge_weights),
}

# Contents of `checkpoints.json`; step 3 is the one that exists.
INDEXES: dict[str, str] = {
    "missing step": '{"best": 4, "last": 3}',
    "negative step": '{"best": -3, "last": 3}',
    "step of 2^70": '{"best": 1180591620717411303424, "last": 3}',
    "step of 4,000 digits": '{"best": 1' + "0" * 4000 + ', "last": 3}',
    "path for a step": '{"best": "../steps/3", "last": 3}',
    "name for a step": '{"best": "3", "last": 3}',
    "true for a step": '{"best": true, "last": 3}',
    "fraction for a step": '{"best": 3.0, "last": 3}',
    "infinite step": '{"best": Infinity, "last": 3}',
    "no last step": '{"best": 3}',
    "list of steps": '[{"best": 3, "last": 3}]',
    "deep index": '{"best":' * 100_000,
    "index of blanks": '{"best": 3, "last": 3}' + " " * 2**21,
}

OPEN = """
import contextlib, io
from seq2seq.cli import app
result = {}
for name, folder in argument.items():
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            app(["info", folder])
        except SystemExit as end:
            result[name] = [end.code, stdout.getvalue(), stderr.getvalue(), "torch" in sys.modules]
"""
LOAD = OPEN.replace("info", "translate")


@pytest.fixture(scope="session")
def folders(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder `model` for each damage."""
    paths = {name: tmp_path_factory.mktemp("hostile") / "model" for name in (*INCONSISTENT, *MISMATCHED, *MANIFESTS)}
    for name, damage in {**{name: damage for name, (_, damage) in INCONSISTENT.items()}, **MISMATCHED}.items():
        damaged(model, paths[name], damage)
    for name, (_, damage) in MANIFESTS.items():
        shutil.copytree(model, paths[name])
        damage(paths[name])
    return paths


@pytest.fixture(scope="session")
def opened(folders: dict[str, Path], run_isolated: Callable[..., Any]) -> Any:
    """The results of `seq2seq info` on each, in one process with 400 MB."""
    return run_isolated(OPEN, {name: str(folders[name]) for name in (*INCONSISTENT, *MANIFESTS)}, 400)


@pytest.fixture(scope="session")
def loaded(folders: dict[str, Path], run_isolated: Callable[..., Any]) -> Any:
    """The results of `seq2seq translate` on those that need torch."""
    return run_isolated(LOAD, {name: str(folders[name]) for name in MISMATCHED}, 4000)


def error_line_of(report: list[Any]) -> str:
    code, stdout, stderr, _ = report
    assert (code, stdout) == (2, "")
    assert stderr.startswith("seq2seq: error: ")
    assert stderr.count("\n") == 1
    assert stderr.removesuffix("\n").isprintable()
    assert len(stderr) < 1000
    return str(stderr)


@pytest.mark.parametrize("name", [*INCONSISTENT, *MANIFESTS])
def test_an_inconsistent_folder_is_a_one_line_error_without_torch(
    name: str, opened: Any, folders: dict[str, Path]
) -> None:
    culprit = {**INCONSISTENT, **MANIFESTS}[name][0]
    path = folders[name] if culprit == "model" else folders[name] / culprit
    assert f"error: {path}" in error_line_of(opened[name])
    assert not opened[name][3]


@pytest.mark.parametrize("name", MISMATCHED)
def test_weights_that_do_not_match_the_configuration(name: str, loaded: Any, folders: dict[str, Path]) -> None:
    assert f"error: {folders[name] / 'model.safetensors'}: tensor " in error_line_of(loaded[name])


def test_a_good_model_is_described_without_torch(model: Path, run_isolated: Callable[..., Any]) -> None:
    """Also a control for the tests above: a valid folder is no error under their limits."""
    code, stdout, stderr, torch_is_loaded = run_isolated(OPEN, {"good": str(model)}, 400)["good"]
    assert (code, stderr, torch_is_loaded) == (0, "", False)
    assert "bleu" in stdout


def test_a_damaged_model_is_reported_before_torch_is_loaded(
    model: Path, tmp_path: Path, run_isolated: Callable[..., Any]
) -> None:
    """Whatever the command."""
    folder = damaged(model, tmp_path / "model", content("joint.model", b"damaged"))
    (tmp_path / "text").write_text("un\n")
    options = f'"--src", {str(tmp_path / "text")!r}, "--ref", {str(tmp_path / "text")!r}'
    for code in (LOAD, LOAD.replace('["translate", folder]', f'["evaluate", folder, {options}]')):
        report = run_isolated(code, {"damaged": str(folder)}, 400)["damaged"]
        assert "joint.model: not a SentencePiece model" in error_line_of(report)
        assert not report[3]


@pytest.mark.parametrize("index", INDEXES)
def test_an_inconsistent_index_of_checkpoints(index: str, model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(model, run / "steps" / "3")
    (run / "checkpoints.json").write_text('{"best": 3, "last": 3}')
    assert open_model(run).metadata["step"] == 3
    (run / "checkpoints.json").write_text(INDEXES[index])
    with pytest.raises(InputError) as caught:
        open_model(run)
    assert str(caught.value).startswith(f"{run}/")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


LOAD_AND_TRANSLATE = """
from seq2seq import Translator
result = [len(Translator.load(argument).translate(["un"])), "torch._dynamo" in sys.modules]
"""


def test_loading_does_not_load_torchs_compiler(model: Path, run_isolated: Callable[..., Any]) -> None:
    """It takes longer than all the rest; initialising on the meta device would load it."""
    assert run_isolated(LOAD_AND_TRANSLATE, str(model), 4000) == [1, False]


def harmless(folder: Path) -> None:
    """Unusual contents that do not change the model, and must be accepted."""
    config(
        facts__note="\ud800\x1b[2J\x00",
        facts__score=float("nan"),
        facts__pairs=10**4000,
        config__data__src_lang="\ud800\u202e",
        config__preset="x" * 10**5,
        config__data__max_length=10_000,
    )(folder)
    (folder / "code.py").write_text("raise SystemExit('executed')")


def test_unusual_but_harmless_contents_are_accepted(model: Path, tmp_path: Path) -> None:
    """Also a control for the tests above: a folder is not refused for being altered and sealed again."""
    folder = damaged(model, tmp_path / "model", harmless)
    assert Translator.load(folder).translate(["un"]) == Translator.load(model).translate(["un"])
    shown = CliRunner().invoke(app, ["info", str(folder)])
    assert shown.exit_code == 0
    assert all(line.isprintable() or "\u202e" in line for line in shown.stdout.splitlines())
    assert json.loads(CliRunner().invoke(app, ["info", "--json", str(folder)]).stdout)["facts"]["note"][0] == "\ud800"


def test_the_folder_itself_may_be_a_link(model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model)
    assert open_model(tmp_path / "link").metadata == open_model(model).metadata


def test_a_cache_of_links_is_an_error_that_says_what_to_do(model: Path, tmp_path: Path) -> None:
    """Like the caches of model hubs: links to files named by their hash."""
    snapshot = tmp_path / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    for number, path in enumerate(model.iterdir()):
        shutil.copy(path, tmp_path / str(number))
        (snapshot / path.name).symlink_to(Path("..", "..", str(number)))
    with pytest.raises(InputError, match=r"make a copy without links \(cp -rL\)"):
        open_model(snapshot)
    shutil.copytree(snapshot, tmp_path / "copy")  # which follows links, as cp -rL does
    assert open_model(tmp_path / "copy").metadata == open_model(model).metadata


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "3e38"])
def test_nan_infinite_or_huge_weights_are_an_error(value: str, model: Path, tmp_path: Path) -> None:
    def fill(data: bytes) -> bytes:
        (size,) = struct.unpack("<Q", data[:8])
        values: bytes = struct.pack("<f", float(value)) * ((len(data) - 8 - size) // 4)
        return data[: 8 + size] + values

    folder = damaged(model, tmp_path / "model", edited("model.safetensors", fill))
    with pytest.raises(InputError, match="probabilities are NaN"):
        Translator.load(folder).translate(["un", "", "deux"])
