"""Valid files for the readers of `fuzzing.py`."""

import bz2
import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow
import zstandard
from pyarrow import parquet
from workbooks import write_ods, write_xls, write_xlsx


def table() -> pyarrow.Table:
    texts = [f"sentence {number} é" for number in range(40)]
    return pyarrow.table(
        {
            "src": texts,
            "tgt": pyarrow.array(texts[::-1], pyarrow.large_string()),
            "kind": pyarrow.array(["a", "b", None, "a"] * 10).dictionary_encode(),
            "translation": [{"de": text, "en": text.upper()} for text in texts],
        }
    )


def write_files(folder: Path) -> None:
    """Write valid files for all readers except those of models and runs."""
    parquet.write_table(table(), folder / "a.parquet")
    with pyarrow.OSFile(str(folder / "a.arrow"), "wb") as sink, pyarrow.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table(), max_chunksize=15)
    pairs = [(f"ein Satz {n}", f'a "sentence", {n}') for n in range(30)]
    objects = [{"id": n, "translation": {"de": src, "en": tgt}} for n, (src, tgt) in enumerate(pairs)]
    for write in (write_ods, write_xls):
        write(folder / f"a.{write.__name__[-3:]}", [("de", "en"), *pairs])
    write_xlsx(folder / "a.xlsx", {"Notes": [["a"]], "Words": [("n", "de", "en"), *((1.5, *pair) for pair in pairs)]})
    tsv = "".join(f"{src}\t{tgt}\n" for src, tgt in pairs)
    csv = "de;en\n" + "".join('{};"{}"\n'.format(src, tgt.replace('"', '""')) for src, tgt in pairs)
    jsonl = "".join(json.dumps(row) + "\n" for row in objects)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.tsv", tsv)
    files: dict[str, str | bytes] = {
        "a.tsv": tsv,
        "a.csv": csv,
        "a.jsonl": jsonl,
        "a.json": json.dumps(objects, indent=1),
        "a.tsv.gz": gzip.compress(tsv.encode()),
        "a.tsv.zst": zstandard.compress(tsv.encode()),
        "a.tsv.bz2": bz2.compress(tsv.encode()),
        "a.tsv.zip": zipped.getvalue(),
        "utf16.tsv": tsv.encode("utf-16"),
        "a.tmx": '<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header srclang="de"/><body>'
        + "".join(
            f'<tu><tuv xml:lang="de"><seg>{src} <ph x="1">&lt;br></ph></seg></tuv><tuv xml:lang="en"><seg>{tgt}</seg>'
            "</tuv></tu>\n"
            for src, tgt in pairs
        )
        + "</body></tmx>",
        "a.xlf": '<xliff version="1.2"><file source-language="de" target-language="en"><body>'
        + "".join(
            f'<trans-unit id="{n}"><source>{src}</source><target state="final">{tgt}</target></trans-unit>\n'
            for n, (src, tgt) in enumerate(pairs)
        )
        + "</body></file></xliff>",
        "a.xml": '<?xml version="1.0"?><dataset id="t">'
        + "".join(
            f'<doc id="{n}"><src lang="de"><p><seg id="1">{src}</seg></p></src>'
            f'<ref lang="en"><p><seg id="1">{tgt}</seg></p></ref></doc>\n'
            for n, (src, tgt) in enumerate(pairs)
        )
        + "</dataset>",
        "a.po": 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: en\\n"\n'
        '\n#, fuzzy\nmsgid "a"\nmsgid_plural "as"\nmsgstr[0] "b"\nmsgstr[1] "bs"\n\n#~ msgid "c"\n#~ msgstr "d"\n\n'
        + "".join(
            f"#: a.c:{n}\nmsgid {json.dumps(src)}\nmsgstr {json.dumps(tgt)}\n\n" for n, (src, tgt) in enumerate(pairs)
        ),
        "a.sgm": '<refset setid="a">\n<doc docid="1">\n<p>\n'
        + "".join(f'<seg id="{n}">{tgt} &amp; Q&A</seg>\n' for n, (_, tgt) in enumerate(pairs))
        + "</doc>\n</refset>\n",
        "set/README.md": "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: a.csv\n"
        "  sep: ','\ndataset_info:\n  features:\n  - name: de\n    dtype: string\n---\n",
        "set/a.csv": "".join(f"{row}\n" for row in ("de,en", *(f"{src},{src}" for src, _ in pairs))),
        "config.toml": 'preset = "attention"\n[data]\ntrain = ["a.tsv"]\nweights = 2.0\n[model]\nhidden_size = 256\n'
        "dropout = 0.1\n[training]\nminutes = 1.5\nseed = 3\n",
        "run/metrics.jsonl": "".join(json.dumps({"step": n, "loss": 5 / (n + 1)}) + "\n" for n in range(9)),
        "sources.txt": "ein Satz\nzwei\ndrei\n",
        "references.txt": "a sentence\ntwo\nthree\n",
        "list.txt": "".join(
            f"{n} ||| {text} ||| d: 0 {k} lm: -{n}.{k} ||| -{k}.5\n"
            for n, texts in enumerate((["a sentence", "one sentence", "sentence"], ["two", "a two"], ["three", "tree"]))
            for k, text in enumerate(texts)
        ),
        "table.txt": "".join(f"ein {n} ||| a {n} ||| 0.5 0.{n} 1e-3 ||| 0-0 1-1 ||| 1 2 1 |||\n" for n in range(9)),
        "weights.json": json.dumps({"weights": {"d": [0.5, -1.0], "lm": [0.25]}, "bleu": {"before": 3.0}}, indent=2),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
