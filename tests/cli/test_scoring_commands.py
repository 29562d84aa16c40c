"""`seq2seq score` and `seq2seq rescore` as a user runs them."""

import gzip
import json
import math
import os
from pathlib import Path

import pytest
import zstandard
from typer.testing import CliRunner, Result

from seq2seq.cli import app
from seq2seq.scoring.pairs import Scorer

PAIRS = [("un deux", "one two"), ("six", "six"), ("un deux", "two one"), ("un deux", "one two")]
TABLE = (
    "un deux ||| one two ||| 0.5 0.25 ||| 0-0 1-1 ||| 4 3 2\r\n"
    "six|||six |||1|||\n"
    "un deux ||| two  one ||| 0.125 ||| ||| 1 1 \n"
    "un\u00a0deux ||| one\ttwo ||| 0.5"
)
INVALID_LINE = "six ||| \u00a0 ||| 0.5\n"


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def invoke(*arguments: object, stdin: bytes | None = None) -> str:
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout_bytes.decode())


@pytest.fixture(scope="module")
def scorer(trained: Path) -> Scorer:
    return Scorer.load(trained)


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    src, tgt = tmp_path / "src", tmp_path / "tgt"
    src.write_text("".join(f"{src}\n" for src, _ in PAIRS))
    tgt.write_text("".join(f"{tgt} \r\n" for _, tgt in PAIRS))
    return ["--src", src, "--tgt", tgt]


@pytest.mark.parametrize("name", ["pair.tsv", "pair.jsonl", "pair.tsv.gz", "pair.jsonl.zst"])
def test_every_format_of_pairs_has_the_same_scores(
    name: str, trained: Path, scorer: Scorer, files: list[object], tmp_path: Path
) -> None:
    rows = [json.dumps({"en": tgt, "fr": src}) if "jsonl" in name else f"{tgt}\t{src}" for src, tgt in PAIRS]
    text = "".join(f"{row}\n" for row in (rows if "jsonl" in name else ["en\tfr", *rows])).encode()
    pack = {"gz": gzip.compress, "st": zstandard.ZstdCompressor().compress}.get(name[-2:], bytes)
    (tmp_path / name).write_bytes(pack(text))
    scores = invoke("score", trained, "--input", tmp_path / name)
    assert scores == invoke("score", trained, *files)
    assert scores == "".join(f"{score.log_prob:.6f}\n" for score in scorer.score(PAIRS))


def test_output_options_agree(trained: Path, files: list[object]) -> None:
    plain, normalized, tokens = (
        [[float(word) for word in line.split()] for line in invoke("score", trained, *files, *option).splitlines()]
        for option in ([], ["--normalize"], ["--per-token"])
    )
    objects = [json.loads(line) for line in invoke("score", trained, *files, "--json", "--per-token").splitlines()]
    assert len(plain) == len(PAIRS)
    for (log_prob,), (mean,), pieces, record in zip(plain, normalized, tokens, objects, strict=True):
        assert sum(pieces) == pytest.approx(log_prob, abs=1e-5)
        assert log_prob / len(pieces) == pytest.approx(mean, abs=1e-5)
        assert (record["log_prob"], record["normalized"]) == (pytest.approx(log_prob), pytest.approx(mean, abs=1e-6))
        assert [token["log_prob"] for token in record["tokens"]] == pytest.approx(pieces, abs=1e-6)
        assert record["pieces"] == len(pieces)
        assert record["tokens"][-1]["piece"] == "</s>"


def test_pairs_in_another_encoding(trained: Path, tmp_path: Path) -> None:
    pairs = "un d\u00e9\tone\u00a0two\n"
    scores = []
    for encoding in ("utf-8", "windows-1252"):
        (tmp_path / "pairs.tsv").write_text(f"fr\ten\n{pairs}", encoding=encoding)
        scores.append(invoke("score", trained, "--input", tmp_path / "pairs.tsv", "--encoding", encoding))
        for name, text in zip(("src", "tgt"), pairs.strip("\n").split("\t"), strict=True):
            (tmp_path / name).write_text(text, encoding=encoding)
        files = ["--src", tmp_path / "src", "--tgt", tmp_path / "tgt"]
        scores.append(invoke("score", trained, *files, "--encoding", encoding))
    assert len(set(scores)) == 1
    refused = run("score", trained, "--phrase-table", tmp_path / "pt", "--encoding", "windows-1252")
    assert (refused.exit_code, "Moses files" in refused.stderr) == (2, True)


@pytest.mark.parametrize("side", ["src", "tgt"])
def test_a_blank_side_is_an_error_or_a_blank_line(
    side: str, trained: Path, files: list[object], tmp_path: Path
) -> None:
    scores = invoke("score", trained, *files).splitlines()
    (tmp_path / side).write_text((tmp_path / side).read_text().replace("six", " \u00a0\u200b"), encoding="utf-8")
    result = run("score", trained, *files)
    assert (result.exit_code, result.stdout) == (2, "")
    side_name = {"src": "source", "tgt": "target"}[side]
    assert f"tgt, line 2: the {side_name} is blank; with --invalid-lines skip such lines are left" in result.stderr
    skipped = run("score", trained, *files, "--invalid-lines", "skip")
    assert skipped.stdout.split("\n")[1] == ""
    # Sums depend on the batch in their last digits.
    kept = [float(score) for score in skipped.stdout.split()]
    assert kept == pytest.approx([float(score) for score in [scores[0], *scores[2:]]], abs=2e-6)
    assert "warning: " in skipped.stderr
    assert "line 2" in skipped.stderr
    objects = [
        json.loads(line) for line in invoke("score", trained, *files, "--invalid-lines", "skip", "--json").splitlines()
    ]
    assert objects[1] == {"log_prob": None, "pieces": None, "normalized": None}


def test_unreadable_pairs_are_an_error(trained: Path, files: list[object], tmp_path: Path) -> None:
    (tmp_path / "tgt").write_bytes(b"one\ntw\xffo\n")
    result = run("score", trained, *files, "--odd-lines", "pass", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "tgt, line 2: not UTF-8" in result.stderr
    (tmp_path / "tgt").write_text("one\ntwo\n")
    result = run("score", trained, *files, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "has 4 lines but" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["table", "table.gz"])
@pytest.mark.parametrize("options", [[], ["--log"], ["--normalize"]], ids=["probability", "log", "normalized"])
def test_a_phrase_table_gets_one_more_feature(
    options: list[str], name: str, trained: Path, scorer: Scorer, tmp_path: Path
) -> None:
    path, output = tmp_path / name, tmp_path / f"scored-{name}"
    path.write_bytes(gzip.compress(TABLE.encode()) if name.endswith("gz") else TABLE.encode())
    assert invoke("score", trained, "--phrase-table", path, "-o", output, *options) == ""
    written = (gzip.decompress(output.read_bytes()) if name.endswith("gz") else output.read_bytes()).decode()
    pairs = [tuple(line.split("|||")[:2]) for line in TABLE.split("\n")]
    scores = scorer.score([(src, tgt) for src, tgt in pairs])
    rebuilt = []
    for line, score in zip(written.split("\n"), scores, strict=True):
        fields = line.split("|||")
        *_, added = fields[2].split()
        expected = score.normalized if options == ["--normalize"] else score.log_prob
        shown = float(added) if options == ["--log"] else math.log(float(added))
        assert shown == pytest.approx(expected, abs=1e-5)
        fields[2] = fields[2].replace(f" {added}", "", 1)
        rebuilt.append("|||".join(fields))
    assert "\n".join(rebuilt) == TABLE


def test_a_phrase_table_streams_through_stdin(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "table").write_text(TABLE, newline="")
    expected = invoke("score", trained, "--phrase-table", tmp_path / "table")
    assert invoke("score", trained, "--phrase-table", "-", stdin=TABLE.encode()) == expected


def test_no_probability_is_too_small_for_moses(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "table").write_text(f"un ||| {'東 ' * 40} ||| 1\n")
    added = invoke("score", trained, "--phrase-table", tmp_path / "table").split()[-1]
    assert float(added) == 1.1755e-38
    log = invoke("score", trained, "--phrase-table", tmp_path / "table", "--log").split()[-1]
    assert float(log) < math.log(1.1755e-38)


def test_invalid_lines_of_a_phrase_table(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(INVALID_LINE.encode() + TABLE.encode())
    result = run("score", trained, "--phrase-table", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{path}, line 1: the target is blank; with --invalid-lines skip such lines are given" in result.stderr
    skipped = invoke("score", trained, "--phrase-table", path, "--invalid-lines", "skip")
    path.write_bytes(TABLE.encode())
    assert skipped == INVALID_LINE.replace("5\n", "5 1.1755e-38\n") + invoke("score", trained, "--phrase-table", path)


def test_every_line_of_a_moses_file_gets_the_feature(trained: Path, tmp_path: Path) -> None:
    table, list_, src = (tmp_path / name for name in ("table", "list", "src"))
    too_long = "one " * 5000
    table.write_bytes(f"un ||| one ||| 0.5\nun |||  ||| 0.5\nsix ||| {too_long}||| 0.5\n".encode())
    list_.write_bytes(b"0 ||| one ||| LM0= -1 ||| -1\n0 ||| \xff ||| LM0= -1 ||| -1\n")
    src.write_text("un\n")
    skip = ("--invalid-lines", "skip")
    for added, options in (("1.1755e-38", []), ("-87.336540", ["--log"]), ("1.1755e-38", ["--normalize"])):
        result = run("score", trained, "--phrase-table", table, *skip, *options)
        assert [len(line.split("|||")[2].split()) for line in result.stdout.splitlines()] == [2, 2, 2]
        assert [line.split()[-1] for line in result.stdout.splitlines()[1:]] == [added, added]
        assert f"{table}: lines given the smallest score: 2 (first: line 2: the target is blank)" in result.stderr
    result = run("score", trained, "--n-best", list_, "--src", src, *skip)
    assert result.stdout_bytes.splitlines()[1] == b"0 ||| \xff ||| LM0= -1 RNNEncDec0= -87.336540 ||| -1"
    table.write_text("un ||| one\nun ||| one ||| 0.5\n")
    result = run("score", trained, "--phrase-table", table, *skip)
    assert result.stdout.splitlines()[0] == "un ||| one"
    assert "lines left as they are, which Moses cannot load: 1 (first: line 1: 2 fields, expected" in result.stderr


def test_a_table_of_more_than_words_is_scored_with_one_warning(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "table").write_text("un|NUM ||| one|NUM ||| 0.5\n" * 300)
    result = run("score", trained, "--phrase-table", tmp_path / "table")
    assert len(result.stdout.splitlines()) == 300
    (warning,) = result.stderr.splitlines()
    assert "has words with factors such as un|NUM; they are scored as plain words" in warning


def test_an_n_best_list_gets_one_more_feature(trained: Path, scorer: Scorer, tmp_path: Path) -> None:
    lines = ["0 ||| one two  ||| d: 0 -7.6 lm: -3{} ||| -4\n", "0 ||| two one ||| d: 0 lm: -3{}||| -5\r\n"]
    lines += ["2 ||| six ||| Distortion0= 0 LM0= -1{} ||| -4 ||| 0-0"]
    path, src = tmp_path / "list", tmp_path / "src"
    path.write_text("".join(lines).replace("{}", ""), newline="")
    src.write_text("un deux\n\nsix\n")
    scores = scorer.score([("un deux", "one two"), ("un deux", "two one"), ("six", "six")])
    for options, old, new in (([], "RNNEncDec", "RNNEncDec0"), (["--feature-name", "My1"], "My1", "My1")):
        labels = [f" {old}: ", f" {old}: ", f" {new}= "]
        added = [f"{label}{score.log_prob:.6f}" for label, score in zip(labels, scores, strict=True)]
        scored = invoke("score", trained, "--n-best", path, "--src", src, *options)
        assert scored == "".join(line.format(feature) for line, feature in zip(lines, added, strict=True))
    (tmp_path / "again").write_text(scored, newline="")
    result = run("score", trained, "--n-best", tmp_path / "again", "--src", src, "--feature-name", "My1")
    assert result.exit_code == 2
    assert "again, line 1: already has a feature My1; name the new one with --feature-name" in result.stderr


def test_rescoring_by_a_model_finds_its_translations(trained: Path, tmp_path: Path) -> None:
    """The list ranks the wrong candidate first; the model corrects it."""
    pairs = [("un deux six six", "one two six six"), ("six trois un un", "six three one one")]
    pairs = [*pairs, ("trois six six cinq", "three six six five"), ("cinq un deux six", "five one two six")] * 6
    candidates = "{0} ||| {2} ||| LM0= -1 ||| -1\n{0} ||| {1} ||| LM0= -2 ||| -2\n"
    wrong = [" ".join("four" for _ in tgt.split()) for _, tgt in pairs]
    plain = "".join(candidates.format(n, tgt, wrong[n]) for n, (_, tgt) in enumerate(pairs) if n != 2)
    (tmp_path / "plain").write_text(plain)
    (tmp_path / "src").write_text("".join(f"{src}\n" for src, _ in pairs))
    (tmp_path / "ref").write_text("".join(f"{tgt}\n" for _, tgt in pairs))
    scored, weights, best, ranked = (tmp_path / name for name in ("scored", "weights.json", "best.gz", "ranked"))
    invoke("score", trained, "--n-best", tmp_path / "plain", "--src", tmp_path / "src", "-o", scored)
    learn = ("rescore", "--dev", scored, "--dev-ref", tmp_path / "ref", "--save-weights", weights)
    apply = ("--n-best", scored, "--ref", tmp_path / "ref", "-o", best, "--save-list", ranked)
    result = run(*learn, *apply)
    assert result.exit_code == 0, result.stderr
    reported = result.stderr.splitlines()
    assert len(reported) == 2
    assert reported[0] == reported[1]
    assert reported[0].startswith(f"{scored}: BLEU ")
    assert "nrefs:1|bs:1000|seed:12345|case:mixed" in reported[0]
    gain = json.loads(weights.read_text())["bleu"]
    assert gain["after"] > gain["before"]
    assert f"BLEU {gain['before']:.2f} before, {gain['after']:.2f} after (p = {gain['p_value']:.4f})" in reported[0]
    expected = [tgt if n != 2 else "" for n, (_, tgt) in enumerate(pairs)]
    assert gzip.decompress(best.read_bytes()).decode().split("\n") == [*expected, ""]
    # The saved list has the same lines with new totals, re-ordered best first.
    lines = ranked.read_text().splitlines()
    assert sorted(line.rpartition(" ||| ")[0] for line in lines) == sorted(
        line.rpartition(" ||| ")[0] for line in scored.read_text().splitlines()
    )
    totals = [float(line.rpartition(" ||| ")[2]) for line in lines]
    assert all(first >= second for first, second in zip(totals[::2], totals[1::2], strict=True))
    # Saved weights give the same result, also from stdin.
    again = invoke("rescore", "--weights", weights, "--n-best", "-", stdin=scored.read_bytes())
    assert again.encode() == gzip.decompress(best.read_bytes())


def test_candidates_without_a_feature_come_last_and_are_reported(tmp_path: Path) -> None:
    path, weights, ranked = tmp_path / "list", tmp_path / "weights.json", tmp_path / "ranked"
    path.write_text(
        "1 ||| a ||| LM0= -9 ||| -1\n1 ||| b ||| LM0= -3 New= -2 ||| -2 ||| 0-0\n1 ||| c ||| New= -1 LM0= -3 ||| -3"
    )
    weights.write_text('{"weights": {"LM0": [0.5], "New": [1]}}')
    result = run("rescore", "--weights", weights, "--n-best", path, "--save-list", ranked)
    assert result.exit_code == 0
    assert result.stdout == "\nc\n"
    assert result.stderr == (
        f"seq2seq: warning: {path}: 1 candidate lacks a feature and is ranked last (first: line 1)\n"
    )
    assert ranked.read_text().splitlines() == [
        "1 ||| c ||| New= -1 LM0= -3 ||| -2.5",
        "1 ||| b ||| LM0= -3 New= -2 ||| -3.5 ||| 0-0",
        "1 ||| a ||| LM0= -9 ||| -inf",
    ]


@pytest.mark.parametrize("words", ["--dev pipe --dev-ref ref", "--weights weights --n-best pipe --ref ref"])
def test_a_pipe_is_not_read_twice(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be empty the second time, and BLEU meaningless."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("ref").write_text("a\n")
    Path("weights").write_text('{"weights": {"lm": [1.0]}}')
    result = CliRunner().invoke(app, ["rescore", *words.split()])
    assert result.exit_code == 2
    assert "pipe: is read several times, which only works with a file" in result.stderr


@pytest.mark.parametrize(
    ("lines", "references", "message"),
    [
        ("", "", "there are no references to compare with"),
        ("999999999 ||| a ||| lm: 1 ||| 1\n", "", "sentence 999999999 after -1; over 1,000,000 sentences are missing"),
        ("0 ||| a ||| lm: 1 ||| 1\n5000000 ||| a ||| lm: 1 ||| 1\n", "", "sentence 5000000 after 0; over 1,000,000"),
    ],
)
def test_lists_with_no_or_too_many_missing_sentences(lines: str, references: str, message: str, tmp_path: Path) -> None:
    """A line of forty bytes used to stand for a billion blank ones."""
    (tmp_path / "list").write_text(lines)
    (tmp_path / "ref").write_text(references)
    (tmp_path / "weights").write_text('{"weights": {"lm": [1.0]}}')
    words = ["rescore", "--weights", tmp_path / "weights", "--n-best", tmp_path / "list", "-o", tmp_path / "out"]
    result = CliRunner().invoke(
        app, [str(word) for word in (*words, *(["--ref", tmp_path / "ref"] if not lines else []))]
    )
    assert result.exit_code == 2
    assert message in result.stderr
