"""File readers, and random faults in the files that they read. Runs in a separate process (`test_fuzz.py`).

A reader gets a folder with valid files, changes one of them by a seed, and reads it as a command would. It must
terminate, normally or with a one-line InputError.
"""

import random
import re
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seq2seq.errors import InputError

SECONDS_PER_FILE = 30
TOKENS = [
    *(b"\0", b"\r\n", b"\n\n", b"\t", b'"', b"'", b"[", b"]", b"{", b"}", b",", b"|||", b" ||| ", b"\\", b"\\ud800"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"-1", b"0", b"1e400", b"1e308", b"0.5", b"2147483648", b"[" * 2000),
    *(
        b"9223372036854775808",
        b"9" * 5000,
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        "\u2028".encode(),
        b"\xed\xa0\x80",
        b"=",
        b"#",
    ),
]
NUMBER = re.compile(rb"-?\d+(\.\d+)?")


def mutate(data: bytes, draw: random.Random) -> bytes:
    """One to four faults, mostly one: with more, the first check fails."""
    for _ in range(draw.choice([1, 1, 1, 1, 2, 4])):
        data = draw.choice(FAULTS)(data, draw)
    return data


def _set_bytes(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 4])):
        if changed:
            changed[draw.randrange(len(changed))] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
    return bytes(changed)


def _delete(data: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    return data[:start] + data[start + draw.choice([1, 4, 50, len(data)]) :]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice([draw.choice(TOKENS), draw.randbytes(draw.randint(1, 9))]) + data[at:]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    end = start + draw.randint(0, 99)
    return data[:end] + data[start:end] * draw.choice([1, 2, 50]) + data[end:]


def _replace_number(data: bytes, draw: random.Random) -> bytes:
    """In text files, most of the layout is described by numbers."""
    numbers = list(NUMBER.finditer(data))
    if not numbers:
        return data
    number = draw.choice(numbers)
    return data[: number.start()] + draw.choice(TOKENS) + data[number.end() :]


FAULTS = (_set_bytes, _set_bytes, _delete, _insert, _repeat, _replace_number)


def mutate_file(path: Path, draw: random.Random) -> None:
    path.write_bytes(mutate(path.read_bytes(), draw))


def mutate_folder(folder: Path, names: list[str], draw: random.Random) -> None:
    """Change one of the files of a sealed folder; mostly update the manifest to match, as an attacker would."""
    from seq2seq.io.manifest import MANIFEST, seal_folder

    mutate_file(folder / draw.choice(names), draw)
    if draw.random() < 0.8:
        for sealed in sorted(folder.rglob(MANIFEST), reverse=True):
            sealed.unlink()
            seal_folder(sealed.parent)


def read_table(path: Path, draw: random.Random) -> None:
    mutate_file(path, draw)
    _read_table(path, draw)


def _read_table(path: Path, draw: random.Random) -> None:
    from seq2seq.config import DataConfig
    from seq2seq.data.sources import open_sources

    lang = draw.choice(["", "de"])
    sources = open_sources(DataConfig(train=(str(path),), src_lang=lang, tgt_lang=lang and "en"), path.parent)
    for pair in sources.train[0].pairs:
        assert "\n" not in pair.src + pair.tgt
        (pair.src + pair.tgt).encode()


def read_arrow(path: Path, draw: random.Random) -> None:
    from seq2seq.data.formats.opening import open_table

    mutate_file(path, draw)
    table = open_table(path, lambda *_: False)
    for column in table.columns:
        for _, src, tgt in table.rows(column, column):
            assert isinstance(src, str)
            assert isinstance(tgt, str)


def read_segments(path: Path, draw: random.Random) -> None:
    from seq2seq.data.sentences import read_sentences

    mutate_file(path, draw)
    assert not any("\n" in segment for segment in read_sentences(path))


def read_zipped(path: Path, draw: random.Random) -> None:
    """A document in a zip archive: mostly change a part of it, so that more than the check sums are tried."""
    if draw.random() < 0.8:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        changed = draw.choice(list(parts))
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in parts.items():
                archive.writestr(name, mutate(data, draw) if name == changed else data)
        return _read_table(path, draw)
    return read_table(path, draw)


def read_readme(path: Path, draw: random.Random) -> None:
    from seq2seq.config import DataConfig
    from seq2seq.data.sources import open_sources

    mutate_file(path, draw)
    sources = open_sources(DataConfig(dataset=(str(path.parent),)), path.parent)
    assert all(isinstance(pair.src, str) for pair in sources.train[0].pairs)


def read_model(folder: Path, draw: random.Random) -> None:
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.model_folder import open_model

    names = ["config.json", "manifest.json", "model.safetensors", "joint.model", "README.md", "shortlist.safetensors"]
    mutate_folder(folder, [name for name in names if (folder / name).exists()], draw)
    opened = open_model(folder)
    assert len(Translator.of([opened]).translate(["un deux", "", "six"], beam_size=2)) == 3


def read_shortlist(folder: Path, draw: random.Random) -> None:
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.model_folder import open_model

    mutate_folder(folder, ["shortlist.safetensors"], draw)
    assert len(Translator.of([open_model(folder)]).translate(["un deux", "", "six"], beam_size=2)) == 3


def read_run(folder: Path, draw: random.Random) -> None:
    import torch

    from seq2seq.data.batching import make_batch, plan_epoch
    from seq2seq.runs.checkpoints import CheckpointStore, load_state
    from seq2seq.runs.run_folder import RunFolder
    from seq2seq.runs.trained_model import build_network, load_model
    from seq2seq.training.run import open_run
    from seq2seq.training.update import make_optimizer

    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".md", ".jsonl")]
    mutate_folder(folder, [str(path.relative_to(folder)) for path in files], draw)
    config, data = open_run(folder)
    if config.model.hidden_size > 1000 or config.model.embedding_size > 1000:
        return
    network = build_network(config, data.tokenizers)
    batch = next(plan_epoch(data.train, 100, 1, 0), np.zeros(1, np.int64))
    sides = make_batch(data.train, batch)
    for tokens, tokenizer in ((sides.src, data.tokenizers.src), (sides.tgt_out, data.tokenizers.tgt)):
        torch.nn.functional.embedding(torch.from_numpy(tokens), torch.zeros(len(tokenizer), 1))
    if (last := CheckpointStore(RunFolder(folder)).last) is not None:
        load_model(last)
        load_state(last, make_optimizer(config.training, network))


def read_tokenizer(path: Path, draw: random.Random) -> None:
    from seq2seq.tokenizer.tokenizer import Tokenizer

    tokenizer = Tokenizer(mutate(path.read_bytes(), draw))
    (ids,) = tokenizer.encode(["un deux \u2581 日本 \0"])
    tokenizer.decode(ids)
    tokenizer.forbidden_ids()


def read_config(path: Path, draw: random.Random) -> None:
    from seq2seq.config import validate_config
    from seq2seq.presets import build_config, describe_config

    mutate_file(path, draw)
    if path.suffix == ".json":
        from seq2seq.io.storage import read_json

        validate_config(read_json(path), "config.json")
    else:
        describe_config(build_config(file=path))


def read_metrics(path: Path, draw: random.Random) -> None:
    from seq2seq.analysis.curves import read_curves

    mutate_file(path, draw)
    for axis in ("step", "minutes"):
        read_curves(path.parent, axis)


def read_n_best(path: Path, draw: random.Random) -> None:
    from seq2seq.scoring import moses
    from seq2seq.scoring.mert import Development, learn_weights

    mutate_file(path, draw)
    for line in moses.read_n_best(path, path.with_name("sources.txt"), draw.choice([None, "Own"])):
        assert line.fault or line.with_feature("-1").endswith(line.raw[line.features_end :])
    references = [path.with_name("references.txt").read_text().splitlines()]
    learn_weights(Development(path, references), restarts=0, seed=1)


def read_phrase_table(path: Path, draw: random.Random) -> None:
    from seq2seq.scoring import moses

    mutate_file(path, draw)
    lines = list(moses.read_phrase_table(path))
    assert all(line.fault or line.with_feature("-1").endswith(line.raw[line.features_end :]) for line in lines)
    if faults := [line.fault for line in lines if line.fault]:
        raise InputError(faults[0])  # a command would only warn


def read_weights(path: Path, draw: random.Random) -> None:
    from seq2seq.scoring.mert import Weights
    from seq2seq.scoring.moses import read_candidates

    mutate_file(path, draw)
    weights = Weights.load(path)
    for candidates in read_candidates(path.with_name("list.txt")):
        weights.rank(candidates, "list.txt")


TABLES = [
    *("a.tsv", "a.csv", "a.jsonl", "a.json", "utf16.tsv", "a.tmx", "a.xlf", "a.xml", "a.po", "a.xls"),
    *(f"a.tsv.{suffix}" for suffix in ("gz", "zst", "bz2", "zip")),
]
READERS: dict[str, tuple[Callable[[Path, random.Random], None], str]] = {
    **{name: (read_table, name) for name in TABLES},
    "a.ods": (read_zipped, "a.ods"),
    "a.xlsx": (read_zipped, "a.xlsx"),
    "a.sgm": (read_segments, "a.sgm"),
    "a.arrow": (read_arrow, "a.arrow"),
    "a.parquet": (read_arrow, "a.parquet"),
    "dataset": (read_readme, "set"),
    "model": (read_model, "model"),
    "shortlist": (read_shortlist, "listed"),
    "run": (read_run, "trained"),
    "tokenizer": (read_tokenizer, "model/joint.model"),
    "config.toml": (read_config, "config.toml"),
    "config.json": (read_config, "trained/config.json"),
    "metrics": (read_metrics, "run"),
    "n-best list": (read_n_best, "list.txt"),
    "phrase table": (read_phrase_table, "table.txt"),
    "weights": (read_weights, "weights.json"),
}


def fuzz(counts: dict[str, list[int]], folder: Path) -> dict[str, dict[str, int]]:
    """Run one reader after another on the valid files in `folder`, changed by each seed.

    counts: for each reader its first seed, and the one after its last.
    Returns the numbers of files refused and read. `folder/seed` holds the current reader and seed.
    """
    descriptors = _descriptors()
    totals = {reader: _fuzz(reader, folder, range(*seeds)) for reader, seeds in counts.items()}
    assert _descriptors() <= descriptors + 8
    return totals


def _fuzz(reader: str, folder: Path, seeds: range) -> dict[str, int]:
    read, name = READERS[reader]
    work = folder / "work"
    counts = {"refused": 0, "read": 0}
    for seed in seeds:
        (folder / "seed").write_text(f"{reader}, seed {seed}")
        shutil.rmtree(work, ignore_errors=True)
        target = _copy(folder, name, work)
        signal.alarm(SECONDS_PER_FILE)
        try:
            read(target, random.Random(seed))
            counts["read"] += 1
        except InputError as error:
            message = str(error)
            assert message, seed
            assert "\n" not in message, (seed, message)
            assert len(message) < 1000, (seed, message)
            counts["refused"] += 1
        signal.alarm(0)
    return counts


def _descriptors() -> int:
    """Number of open files."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def _copy(folder: Path, name: str, work: Path) -> Path:
    """Copy the files that a reader needs. Returns the path that it reads."""
    if (folder / name).is_dir():
        shutil.copytree(folder / name, work / name)
        return {"set": work / name / "README.md", "run": work / name / "metrics.jsonl"}.get(name, work / name)
    work.mkdir()
    for needed in (name, "sources.txt", "references.txt", "list.txt"):
        if (folder / needed).is_file():
            shutil.copy(folder / needed, work)
    return work / Path(name).name
