"""Moses files: each line gets one more feature, and no other byte changes."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.errors import InputError
from seq2seq.scoring.moses import FeatureLine, read_candidates, read_n_best, read_phrase_table

SOURCES = "erste\n zweite \r\n\nvierte"


def table(content: bytes, tmp_path: Path, name: str = "table") -> list[FeatureLine]:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return list(read_phrase_table(path))


def n_best(content: bytes, tmp_path: Path, name: str | None = None) -> list[FeatureLine]:
    (tmp_path / "list").write_bytes(content)
    (tmp_path / "sources").write_text(SOURCES, newline="")
    return list(read_n_best(tmp_path / "list", tmp_path / "sources", name))


@pytest.mark.parametrize("name", ["table", "table.gz"])
@pytest.mark.parametrize(
    ("line", "pair", "expected"),
    [
        ("a b ||| c ||| 0.5 1e-05 ||| 0-0 ||| 3 2 1\n", "a b|c", "a b ||| c ||| 0.5 1e-05 X ||| 0-0 ||| 3 2 1\n"),
        ("a ||| c ||| 0.5 2.718 ||| 0-0 ||| 3 2 ||| ||| {{x y}}\n", "a|c", None),
        ("a ||| c ||| 0.5\n", "a|c", "a ||| c ||| 0.5 X\n"),
        ("a ||| c ||| 0.5", "a|c", "a ||| c ||| 0.5 X"),
        ("a ||| c ||| 0.5 \t \r\n", "a|c", "a ||| c ||| 0.5 X \t \r\n"),
        ("a|||c|||0.5|||0-0|||3\n", "a|c", "a|||c|||0.5 X|||0-0|||3\n"),
        ("\t a  b |||c\td ||| 0.5   0.4  ||| |||\r\n", "a  b|c\td", "\t a  b |||c\td ||| 0.5   0.4 X  ||| |||\r\n"),
        ("a\u00a0b \u3000||| \u2028c\u0085d ||| 0.5 ||| \u00a0\n", "a\u00a0b|c\u0085d", None),
        ("a ||| c |||  ||| 0-0\n", "a|c", "a ||| c ||| X  ||| 0-0\n"),
        ("a ||| c |||\n", "a|c", "a ||| c ||| X\n"),
        ("\ufeffa ||| c ||| 0.5 |||\n", "a|c", "\ufeffa ||| c ||| 0.5 X |||\n"),
        ("| ||| &#124; ||| 0.5 |||\n", "||&#124;", "| ||| &#124; ||| 0.5 X |||\n"),
        ("[X][A] b [X] ||| c [X][A] [X] ||| nan inf -3 ||| 0-1\n", "[X][A] b [X]|c [X][A] [X]", None),
    ],
)
def test_phrase_table(line: str, pair: str, expected: str | None, name: str, tmp_path: Path) -> None:
    (parsed,) = table(line.encode(), tmp_path, name)
    assert f"{parsed.src}|{parsed.tgt}" == pair
    assert parsed.fault == ""
    src, tgt, scores, *rest = line.split("|||")
    bare = scores.rstrip()
    expected = expected or "|||".join([src, tgt, f"{bare} X{scores.removeprefix(bare)}", *rest])
    assert parsed.with_feature("X").decode() == expected


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"\n", "1 field, expected src ||| tgt ||| scores"),
        (b"a ||| b\n", "2 fields, expected src ||| tgt ||| scores"),
        (b"a b 0.5\r\n", "1 field, expected src ||| tgt ||| scores"),
        (b"||| b ||| 0.5\n", "the source is blank"),
        (b"a |||  \t ||| 0.5\n", "the target is blank"),
        ("a ||| \u00a0\u3000 ||| 0.5\n".encode(), "the target is blank"),
        (b"a ||| sch\xf6n ||| 0.5\n", "the target is not UTF-8"),
        (b"a ||| b ||| (0) (1) ||| (0) (1) ||| 0.5\n", "'(0)' is not a score"),
        ("a ||| b ||| 0.5\u00a00.4\n".encode(), "'0.5\\xa00.4' is not a score"),
    ],
)
def test_an_invalid_phrase_pair_has_a_reason(line: bytes, fault: str, tmp_path: Path) -> None:
    good = b"a ||| b ||| 1\n"
    lines = table(good + line + good, tmp_path)
    assert [(parsed.line, parsed.fault) for parsed in lines] == [(1, ""), (2, fault), (3, "")]
    assert b"".join(parsed.raw for parsed in lines) == good + line + good


OLD, NEW = "d: 0 -7.6 0 lm: -36.1 -13.3 tm: -1 w: -7", "Distortion0= 0 LM0= -36.1 TranslationModel0= -1 -2 wt_a~b= 1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"0 ||| a b . ||| {OLD} ||| -9.2\n", f"0 ||| a b . ||| {OLD} RNNEncDec: X ||| -9.2\n"),
        (f"0 ||| a b .||| {OLD}||| -9.2\n", f"0 ||| a b .||| {OLD} RNNEncDec: X||| -9.2\n"),
        (f"0 ||| a b .  ||| {NEW} ||| -9.2 ||| 0-0\n", f"0 ||| a b .  ||| {NEW} RNNEncDec0= X ||| -9.2 ||| 0-0\n"),
        (f"0|||a b .|||{NEW}|||-9.2", f"0|||a b .|||{NEW} RNNEncDec0= X|||-9.2"),
        (f"0 ||| a b . ||| {NEW} ||| -9.2 \r\n", f"0 ||| a b . ||| {NEW} RNNEncDec0= X ||| -9.2 \r\n"),
        (f"0 ||| a b . ||| {NEW}\n", f"0 ||| a b . ||| {NEW} RNNEncDec0= X\n"),
        ("0 ||| a b . ||| -1 -2.5 ||| -9.2\n", "0 ||| a b . ||| -1 -2.5 X ||| -9.2\n"),
        ("0 ||| a b . |||  ||| -9.2\n", "0 ||| a b . ||| RNNEncDec0= X  ||| -9.2\n"),
    ],
)
def test_n_best_list(line: str, expected: str, tmp_path: Path) -> None:
    (parsed,) = n_best(line.encode(), tmp_path)
    assert (parsed.src, parsed.tgt, parsed.fault) == ("erste", "a b .", "")
    assert parsed.with_feature("X").decode() == expected
    (named,) = n_best(line.encode(), tmp_path, "Mine")
    assert named.with_feature("X").decode() == expected.replace("RNNEncDec0", "Mine").replace("RNNEncDec", "Mine")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a |||  ||| 0.5 ||| 0-0\n", b"a |||  ||| 0.5 X ||| 0-0\n"),
        (b"sch\xf6n ||| b ||| 0.5\n", b"sch\xf6n ||| b ||| 0.5 X\n"),
        (b"a ||| b\n", None),
        (b"a ||| b ||| (0) (1) ||| 0.5\n", None),
    ],
)
def test_a_phrase_pair_that_cannot_be_scored_takes_the_feature(
    line: bytes, expected: bytes | None, tmp_path: Path
) -> None:
    (parsed,) = table(line, tmp_path)
    assert parsed.fault
    assert bool(parsed.features_end) == (expected is not None)
    assert expected is None or parsed.with_feature("X") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"0 |||  ||| LM0= 1 ||| 2\n", b"0 |||  ||| LM0= 1 RNNEncDec0= X ||| 2\n"),
        (b"0 ||| sch\xf6n ||| lm: 1 ||| 2\n", b"0 ||| sch\xf6n ||| lm: 1 RNNEncDec: X ||| 2\n"),
        (b"2 ||| a ||| LM0= 1 ||| 2\n", b"2 ||| a ||| LM0= 1 RNNEncDec0= X ||| 2\n"),
        (b"x ||| a ||| LM0= 1 ||| 2\n", None),
        (b"0 ||| a ||| LM0= one ||| 2\n", None),
    ],
)
def test_a_candidate_that_cannot_be_scored_takes_the_feature(
    line: bytes, expected: bytes | None, tmp_path: Path
) -> None:
    (parsed,) = n_best(line, tmp_path)
    assert parsed.fault
    assert bool(parsed.features_end) == (expected is not None)
    assert expected is None or parsed.with_feature("X") == expected


def test_each_candidate_has_its_source(tmp_path: Path) -> None:
    lines = n_best(b"0 ||| a ||| LM0= 1\n0 ||| b ||| LM0= 1\n1 ||| c ||| LM0= 1\n3 ||| d ||| LM0= 1\n", tmp_path)
    assert [(line.src, line.tgt) for line in lines] == [
        ("erste", "a"),
        ("erste", "b"),
        ("zweite", "c"),
        ("vierte", "d"),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("\n", "1 field, expected id ||| hypothesis ||| features"),
        ("x ||| a ||| LM0= 1 ||| 2\n", "'x' is not a sentence number"),
        ("-1 ||| a ||| LM0= 1 ||| 2\n", "'-1' is not a sentence number"),
        ("9" * 5000 + " ||| a ||| LM0= 1 ||| 2\n", f"'{'9' * 40}' is not a sentence number"),
        ("0 |||  ||| LM0= 1 ||| 2\n", "the hypothesis is blank"),
        ("0 ||| a ||| LM0= one ||| 2\n", "'one' is not a feature value"),
        ("2 ||| a ||| LM0= 1 ||| 2\n", "its source, {}, line 3, is blank"),
    ],
)
def test_an_invalid_candidate_has_a_reason(line: str, fault: str, tmp_path: Path) -> None:
    (parsed,) = n_best(line.encode(), tmp_path)
    assert parsed.fault == fault.format(tmp_path / "sources")
    assert parsed.raw == line.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 ||| a ||| LM0= 1\n0 ||| b ||| LM0= 1\n", "line 2: sentence 0 after 1; sort the list by sentence"),
        ("4 ||| a ||| LM0= 1\n", r"line 1: sentence 4 \(counted from 0\), but "),
        (
            "0 ||| a ||| RNNEncDec0= 1\n",
            "line 1: already has a feature RNNEncDec0; name the new one with --feature-name",
        ),
        ("0 ||| a ||| RNNEncDec: 1\n", "line 1: already has a feature RNNEncDec"),
    ],
)
def test_a_mismatched_list_is_an_error(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"list, {message}"):
        n_best(content.encode(), tmp_path)


BLANKS = st.text(" \t", max_size=2)
PHRASE = st.text(st.characters(exclude_characters="\n|", exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.lists(st.floats(0, 1).map(repr), max_size=4).map(" ".join)
# Lines that are often valid phrase pairs, and often almost valid.
LINE = st.builds(
    lambda fields, end: "|||".join(a + field + b for a, field, b in fields) + end,
    st.lists(st.tuples(BLANKS, PHRASE | NUMBERS, BLANKS), max_size=6),
    st.sampled_from(["\n", "\r\n", " \n"]),
)
PAIR = st.builds(
    lambda src, tgt, blanks, scores, rest, end: f"{src}|||{tgt}|||{blanks}{scores}{blanks}{rest}{end}",
    PHRASE,
    PHRASE,
    BLANKS,
    NUMBERS,
    st.sampled_from(["", "|||", "||| 0-0 |||", "|||0-0||| 1 2 ||| |||"]),
    st.sampled_from(["\n", "\r\n", " \n"]),
)


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINE | PAIR, max_size=8))
def test_removing_the_feature_restores_the_table(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    content = "".join(lines).encode()
    parsed = table(content, tmp_path_factory.mktemp("random"))
    assert b"".join(line.raw for line in parsed) == content
    for line in parsed:
        if not line.features_end:
            assert line.fault
            continue
        old, new = line.raw.split(b"|||"), line.with_feature("0.25").split(b"|||")
        assert new[:2] + new[3:] == old[:2] + old[3:]
        assert new[2].split() == [*old[2].split(), b"0.25"]
        assert new[2].replace(b" 0.25", b"", 1) == old[2] or new[2][::-1].replace(b"52.0 ", b"", 1)[::-1] == old[2]
        sides = old[0].decode().removeprefix("\ufeff").strip(), old[1].decode().strip()
        assert (line.src, line.tgt) == (("", "") if line.fault else sides)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_preserved(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = b"a ||| b ||| 1\n" + content  # no UTF-16 byte order mark at the start
    parsed = table(content, tmp_path_factory.mktemp("random"))
    assert b"".join(line.raw for line in parsed) == content
    assert [line.line for line in parsed] == list(range(1, len(parsed) + 1))


def test_candidates_are_grouped_by_sentence(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(
        f"0 ||| a b  ||| {NEW} ||| -9.5\n0 ||| ||| lm: 1 d: 2 lm: 3||| -1e2\r\n2 ||| c ||| -1 -2 ||| ".encode()
    )
    first, second = read_candidates(path)
    assert [
        (candidate.line, candidate.sentence, candidate.text, candidate.total) for candidate in (*first, *second)
    ] == [
        (1, 0, "a b", -9.5),
        (2, 0, "", -100.0),
        (3, 2, "c", None),
    ]
    assert first[0].features["TranslationModel0"] == (-1.0, -2.0)
    assert first[1].features == {"lm": (1.0, 3.0), "d": (2.0,)}
    assert second[0].features == {"": (-1.0, -2.0)}
    assert first[0].with_total(0.5) == f"0 ||| a b  ||| {NEW} ||| 0.5\n".encode()
    assert first[1].with_total(0.5) == b"0 ||| ||| lm: 1 d: 2 lm: 3||| 0.5\r\n"
    assert second[0].with_total(0.5) == b"2 ||| c ||| -1 -2 ||| \n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 ||| a ||| LM0= 1\n0 ||| b ||| LM0= 1\n", "line 2: sentence 0 after 1; sort the list by sentence"),
        (b"0 ||| a ||| LM0= 1 ||| x\n", "line 1: 'x' is not a total"),
        (b"0 ||| \xff ||| LM0= 1 ||| 1\n", "line 1: the hypothesis is not UTF-8"),
        (b"0 ||| a\n", "line 1: 2 fields, expected id"),
    ],
)
def test_unreadable_candidates_are_an_error(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_candidates(tmp_path / "list"))
