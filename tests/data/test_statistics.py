"""The corpus survey against plain counting; the pairs that each cleaning rule matches."""

import random
from collections import Counter, defaultdict
from itertools import compress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.config import CLEANING_RULES, Rule
from seq2seq.data.bitext import Pair
from seq2seq.data.cleaning import Rules
from seq2seq.data.languages import language_warnings, looks_swapped
from seq2seq.data.statistics import draw_groups, length_ratios, survey
from seq2seq.tokenizer.scripts import main_scripts

words = st.sampled_from(["a", "b", "c", "", "a b"])


def pairs_of(rows: list[tuple[str, str]]) -> list[Pair]:
    return [Pair(src, tgt, line) for line, (src, tgt) in enumerate(rows, start=1)]


@given(rows=st.lists(st.tuples(words, words), max_size=40))
@settings(deadline=None, max_examples=60)
def test_duplicates_match_plain_counting(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("survey")
    result = survey(pairs_of(rows), folder)
    before: set[tuple[str, str]] = set()
    expected = []
    translations = defaultdict(set)
    for src, tgt in rows:
        usable = bool(src and tgt)
        expected.append(usable and (src, tgt) in before)
        if usable:
            before.add((src, tgt))
            translations[src].add(tgt)
    assert result.seen_before.tolist() == expected
    assert result.several_translations == sum(len(targets) > 1 for targets in translations.values())
    assert (result.read, result.usable) == (len(rows), sum(bool(s and t) for s, t in rows))
    assert list(folder.iterdir()) == []


@given(values=st.lists(st.integers(0, 60), max_size=120), count=st.integers(1, 8))
@settings(deadline=None)
def test_smallest_groups_are_drawn_first_up_to_the_count(values: list[int], count: int) -> None:
    sizes = Counter(values)
    chosen = draw_groups(values, count)
    if min(sizes.values(), default=0) > count:
        assert [sizes[value] for value in chosen] == ([min(sizes.values())] if len(sizes) > 1 else [])
        return
    assert 0 < sum(sizes[value] for value in chosen) <= count or not values
    small = sorted(value for value in sizes if sizes[value] == 1)[:count]
    if all(size == 1 for size in sizes.values()):
        assert chosen == set(small)


def test_groups_are_drawn_from_more_than_fit_in_memory() -> None:
    draw = random.Random(4)
    values = [value for value in range(5000) for _ in range(draw.randint(1, 3))]
    draw.shuffle(values)
    sizes, left = Counter(values), 600
    chosen = draw_groups(values, left)
    assert sum(sizes[value] for value in chosen) == left
    assert max(chosen) < 600


def test_usual_ratio_is_the_median(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [("x" * draw.randint(1, 80), "y" * draw.randint(1, 200)) for _ in range(999)]
    src_lengths, tgt_lengths = (np.array([len(side) for side in sides]) for sides in zip(*rows, strict=True))
    ratios = sorted(length_ratios(src_lengths, tgt_lengths))
    assert survey(pairs_of(rows), tmp_path).usual_ratio == pytest.approx(ratios[499], rel=0.05)


def test_main_scripts() -> None:
    assert main_scripts(Counter("Hello, wörld 123")) == {"LATIN"}
    assert main_scripts(Counter("これはペンです。日本語")) == {"KANA", "HAN"}
    assert main_scripts(Counter("かな" * 99 + "漢")) == main_scripts(Counter("ｶﾀｶﾅ ひらがな")) == {"KANA", "HAN"}
    assert main_scripts(Counter("나는 학교에 간다")) == {"HANGUL", "HAN"}
    assert main_scripts(Counter("我去学校")) == {"HAN"}
    assert main_scripts(Counter("ＡＢＣ ﬁ ª")) == {"LATIN"}
    assert main_scripts(Counter("a" * 99 + "я")) == {"LATIN"}
    assert main_scripts(Counter("1, 2!")) == set()


ODD: list[tuple[tuple[str, str], list[Rule]]] = [
    (("the dog barks at night", "der Hund bellt nachts laut"), []),
    (("OK.", "OK."), ["identical"]),
    (("a" * 1001, "b" * 1001), ["length"]),
    (("yes", "ja, und zwar so oft wie irgend möglich, sagte er"), ["ratio"]),
    (("so oft wie irgend möglich, sagte er noch einmal laut", "so"), ["ratio"]),
    (("the dog barks at night", "собака лает ночью громко"), ["script"]),
    (("собака лает ночью громко", "der Hund bellt nachts laut"), ["script"]),
    (("Moscow is Москва", "Moskau heißt Москва"), []),
    (("12:30 - 14:00", "12:30 – 14:00"), []),
    (("the dog barks at night", "der Hund bellt nachts laut"), ["duplicates"]),
    (("the dog barks at night", "nachts bellt der Hund"), []),
]


def test_each_rule_matches_only_its_own_pairs(tmp_path: Path) -> None:
    usual = [(f"number {n} of the cats", f"Nummer {n} der Katzen") for n in range(100)]
    pairs = pairs_of([*(row for row, _ in ODD), *usual])
    clean: dict[Rule, bytearray] = {"mojibake": bytearray(len(pairs)), "markup": bytearray(len(pairs))}
    rules = Rules(survey(pairs, tmp_path), clean)
    broken = rules.broken_by(0, pairs, CLEANING_RULES)
    broken_rules = [[rule for rule, is_broken in broken.items() if is_broken[number]] for number in range(len(pairs))]
    assert broken_rules == [*(broken for _, broken in ODD), *([] for _ in usual)]
    later = rules.broken_by(9, pairs[9:11], ("duplicates", "ratio"))
    assert {rule: is_broken.tolist() for rule, is_broken in later.items()} == {
        "duplicates": [True, False],
        "ratio": [False, False],
    }


JAPANESE = [
    "これはペンです。",
    "私は毎朝、駅まで歩きます。",
    "彼女は先生になりたいと言った。",
    "今日は雨が降っている。",
]
KOREAN = ["나는 매일 아침 학교에 간다.", "오늘은 비가 온다.", "그는 선생님이 되고 싶어 한다."]


@pytest.mark.parametrize(
    ("usual", "fitting", "foreign"),
    [
        (
            JAPANESE,
            ["コーヒー！", "スーパーマーケット", "東京都", "時々", "ｺｰﾋｰ", "ラーメンとビール", "人々"],
            ["Привет", "안녕"],
        ),
        (KOREAN, ["大韓民國", "서울 特別市"], ["ペンです", "Привет"]),
        (["我去学校。", "今天下雨。", "她想当老师。"], ["人人", "東京都"], ["これはペンです", "안녕"]),
    ],
)
def test_a_language_may_use_several_scripts(
    usual: list[str], fitting: list[str], foreign: list[str], tmp_path: Path
) -> None:
    pairs = pairs_of([(text, "It is.") for text in [*usual * 20, *fitting, *foreign]])
    rules = Rules(survey(pairs, tmp_path), {})
    is_foreign = rules.broken_by(0, pairs, ["script"])["script"]
    assert [pair.src for pair in compress(pairs, is_foreign)] == foreign


GERMAN = ["Ein Mann schläft auf dem Sofa.", "Die Kinder spielen im Garten.", "Wir gehen heute nicht zur Schule."] * 5
ENGLISH = ["A man sleeps on the sofa.", "The children play in the garden.", "We do not go to school today."] * 5


@pytest.mark.parametrize(
    ("src", "tgt", "codes", "warning"),
    [
        (GERMAN, ENGLISH, ("de", "en"), None),
        (ENGLISH, GERMAN, ("de", "en"), "the sides look swapped: 100% of the source lines look like en"),
        (GERMAN, ENGLISH, ("de", "fr"), "the target side looks like en (100% of lines), not fr"),
        (ENGLISH, ENGLISH, ("de", "en"), "the source side looks like en (100% of lines), not de"),
        (GERMAN, ENGLISH, ("xx", "en"), None),
        (GERMAN, ENGLISH, ("", ""), None),
        ([], [], ("de", "en"), None),
    ],
)
def test_declared_languages_are_checked(
    src: list[str], tgt: list[str], codes: tuple[str, str], warning: str | None
) -> None:
    warnings = language_warnings(src, tgt, *codes)
    assert len(warnings) == (warning is not None)
    assert not warning or warnings[0].startswith(warning)


def test_swapped_validation_sides_are_detected_in_any_language() -> None:
    assert looks_swapped(GERMAN[:6], ENGLISH[:6], ENGLISH[6:], GERMAN[6:])
    assert not looks_swapped(GERMAN[:6], ENGLISH[:6], GERMAN[6:], ENGLISH[6:])
    made_up = ["kuzu mela tupa", "tupa tupa kuzu", "mela mela"]
    other = ["xivvo rrant ollo", "ollo xivvo", "rrant rrant ollo"]
    assert looks_swapped(made_up, other, other, made_up)
