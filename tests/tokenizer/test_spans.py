"""Spans that must be kept are found in text, ordinary prose is not mistaken for them, and time is linear."""

import re
import time

import pytest

from seq2seq.errors import InputError
from seq2seq.tokenizer.spans import Kind, find_spans, is_translatable, keep_patterns, may_have_spans

KEPT = {
    "See https://example.org/a_(b)?q=1&r=2.": ["https://example.org/a_(b)?q=1&r=2"],
    "(www.example.org/x), or shop.example.com!": ["www.example.org/x", "shop.example.com"],
    "“http://a.org/{id}/b”, 看https://a.org/b。": ["http://a.org/{id}/b", "https://a.org/b"],
    "write to a.b+c@mail.example.co.uk.": ["a.b+c@mail.example.co.uk"],
    "ask @some_one about #translation, in C# too": ["@some_one", "#translation"],
    "README.md, src/main.py or old.tar.gz.": ["README.md", "src/main.py", "old.tar.gz"],
    r"in /usr/local/bin, ~/notes or C:\Temp\new.": ["/usr/local/bin", "~/notes", r"C:\Temp\new"],
    "{0} {name} {{ user }} {} {0:.2f} ${a.b} %{n}": ["{0}", "{name}", "{{ user }}", "{}", "{0:.2f}", "${a.b}", "%{n}"],
    "%s %d %1$s, %.2f%% %(n)d %lu %@": ["%s", "%d", "%1$s", "%.2f", "%%", "%(n)d", "%lu", "%@"],
    "{n, plural, one {# file} other {{n} files}} on {d, date}.": [
        "{n, plural, one {# file} other {{n} files}}",
        "{d, date}",
    ],
    r"__NAME__: one\ntwo, %PATH%": ["__NAME__", r"\n", "%PATH%"],
    "a<br>b<img src='x.png'/> <!-- no --> &amp;&#160;": [
        "<br>",
        "<img src='x.png'/>",
        "<!-- no -->",
        "&amp;",
        "&#160;",
    ],
    "In 2010: 1,234.50 at 12:30:45, 1 234,50 or 10 000 on 2024-05-12. 1990s": [
        "2010",
        "1,234.50",
        "12:30:45",
        "1 234,50",
        "10 000",
        "2024-05-12",
        "1990",
    ],
    "٢٠١٠ और २०१०": ["٢٠١٠", "२०१०"],
    "Hi👋🏽! 👨‍👩‍👧 🇫🇷🇩🇪 1️⃣ ❤️ 😂😂": ["👋🏽", "👨‍👩‍👧", "🇫🇷🇩🇪", "1️⃣", "❤️", "😂😂"],
}


@pytest.mark.parametrize("text", KEPT)
def test_spans_are_found_without_the_punctuation_around_them(text: str) -> None:
    assert [text[span.start : span.end] for span in find_spans(text)] == KEPT[text]
    assert is_translatable(text, find_spans(text)) == any(
        character.isalpha() for character in re.sub("|".join(map(re.escape, KEPT[text])), "", text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "he and/or she, yes/no/maybe? No: 3.5, 25, km/h",
        "e.g. the U.S.A., i.e. the end.Start again.So it goes… a.m.",
        "50% discount, 50 % sure, 50%discount, 10 % de plus, 5%",
        "a < b > c, I <3 you, a<b and c>d, x<y",
        "AT&T; R&D, C#, #1, a @ b, {see below}, [1], (x), wait... what",
        "No.5, \"so\", it's 10 o'clock, 90's, — « oui »",
    ],
)
def test_prose_has_no_spans(text: str) -> None:
    assert find_spans(text) == []


def kinds(text: str) -> list[tuple[str, Kind, int]]:
    return [(text[span.start : span.end], span.kind, span.pair) for span in find_spans(text)]


def test_tags_form_nested_pairs_by_name() -> None:
    assert kinds('<b><i class="x">a</i></b><br/><b>c</b>') == [
        ("<b>", Kind.OPENING, 0),
        ('<i class="x">', Kind.OPENING, 1),
        ("</i>", Kind.CLOSING, 1),
        ("</b>", Kind.CLOSING, 0),
        ("<br/>", Kind.STANDALONE, -1),
        ("<b>", Kind.OPENING, 2),
        ("</b>", Kind.CLOSING, 2),
    ]


def test_tags_that_overlap_or_lack_a_counterpart_are_unpaired() -> None:
    assert [kind for _, kind, _ in kinds("<b>x<i>y</b>z</i>")] == [
        Kind.OPENING,
        Kind.UNPAIRED,
        Kind.CLOSING,
        Kind.UNPAIRED,
    ]
    assert [kind for _, kind, _ in kinds("</g>x<g>")] == [Kind.UNPAIRED, Kind.UNPAIRED]


def test_patterns_of_the_user_come_first() -> None:
    keep = keep_patterns([r"SKU \d+", "{[^}]*"], ["New York", "New York City"])
    text = "New York City sells SKU 12 to New Yorkers, {0} 12345"
    assert [text[span.start : span.end] for span in find_spans(text, keep)] == [
        "New York City",
        "SKU 12",
        "{0",
        "12345",
    ]


@pytest.mark.parametrize("regex", ["(", "a*", "", "(?=a)|x?"])
def test_a_regex_that_is_invalid_or_matches_nothing_visible_is_an_input_error(regex: str) -> None:
    with pytest.raises(InputError, match="regular expression"):
        keep_patterns([regex])


@pytest.mark.parametrize("text", ["{0} – {1}!", "12345", "<b></b> 25 ...", "😀"])
def test_spans_and_punctuation_are_not_translatable(text: str) -> None:
    assert not is_translatable(text, find_spans(text))


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "{",
        "}",
        "%",
        "&",
        "\\",
        "@",
        "_",
        "1,",
        "a.",
        "/a",
        "a@",
        "a.b/",
        "<a b=",
        '<a b="',
        "<b>",
        "<b></i>",
        "{a,plural,",
        "<!--",
        "http://",
        "www.",
        "a.com.",
        "{{",
        "%(",
        "a-",
        "😀\u200d",
        "*.",
        "\U0001f1e6",
        "http://)",
        "123 ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    """Quadratic time would be ten seconds and more."""
    start = time.process_time()
    find_spans(unit * (100_000 // len(unit)) + "1234")
    assert time.process_time() - start < 4


def test_most_texts_pass_the_quick_check() -> None:
    assert not may_have_spans("A man, aged 25, isn't here (he left)... Is he? “No” – he’s at home.")
    assert all(map(may_have_spans, KEPT))


def test_a_number_after_a_name_with_digits_is_a_span_of_its_own() -> None:
    text = "#topic61 247 and a61 247 but 61 247"
    assert [text[span.start : span.end] for span in find_spans(text)] == ["#topic61", "247", "247", "61 247"]
