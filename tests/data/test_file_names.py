"""The languages that file names tell, and names that tell none."""

import pytest

from seq2seq.data.file_names import direction_of_file, languages_of_files


@pytest.mark.parametrize(
    ("src", "tgt", "expected"),
    [
        ("train.en.gz", "train.fr.gz", ("en", "fr")),
        ("corpus.en-fr.fr", "corpus.en-fr.en", ("fr", "en")),
        ("train.eng", "train.fra", ("eng", "fra")),
        ("flores.eng_Latn", "flores.fra_Latn", ("eng_Latn", "fra_Latn")),
        ("en.txt", "fr.txt", ("en", "fr")),
        ("English.txt", "French.txt", ("en", "fr")),
        ("news_en.txt", "news_fr.txt", ("en", "fr")),
        ("NEWS-EN.TXT", "NEWS-FR.TXT", ("en", "fr")),
        ("train.de_DE.txt", "train.fr_FR.txt", ("de", "fr")),
        ("train.en-sw.en.tok", "train.en-sw.sw.tok", ("en", "sw")),
        ("data/en/train.txt", "data/fr/train.txt", ("en", "fr")),
        ("news.fr-en.src", "news.fr-en.tgt", ("fr", "en")),
        ("a.en", "b.fr", ("en", "fr")),
        ("train.en", "train.txt", ("en", "")),
        ("train.src", "train.tgt", ("", "")),
        ("news.fr-en.a", "news.fr-en.b", ("", "")),
        ("news.fr-en.tgt", "news.fr-en.src", ("", "")),
        ("a.is", "b.is", ("", "")),
        ("old.txt", "new.txt", ("", "")),
        ("man.txt", "and.txt", ("", "")),
        ("one", "two", ("", "")),
        ("as.txt", "is.txt", ("", "")),
        ("train.no.txt", "train.da.txt", ("no", "da")),
        ("en", "la", ("en", "la")),
        ("train.grc", "train.la", ("grc", "la")),
        ("my.words.txt", "your.words.txt", ("", "")),
        ("en/train.fr.txt", "fr/train.en.txt", ("fr", "en")),
        ("en/a.txt", "fr/b.txt", ("en", "fr")),
    ],
)
def test_two_files(src: str, tgt: str, expected: tuple[str, str]) -> None:
    assert languages_of_files(src, tgt) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en-fr.tsv", ("en", "fr")),
        ("news.fr-en.tsv.gz", ("fr", "en")),
        ("Tatoeba_eng-fra.csv", ("eng", "fra")),
        ("tatoeba_en_fr_clean.tsv", ("en", "fr")),
        ("de2en.jsonl", ("de", "en")),
        ("en-to-sw.tsv", ("en", "sw")),
        ("pairs.tsv", ("", "")),
        ("pt-br.tsv", ("", "")),
        ("old-new.tsv", ("", "")),
        ("to-do.tsv", ("", "")),
        ("en-en.tsv", ("", "")),
        ("as-is.tsv", ("", "")),
        ("train_no_id.tsv", ("", "")),
        ("my_to.tsv", ("", "")),
        ("run-may.tsv", ("", "")),
        ("men-may.csv", ("", "")),
        ("en-my.tsv", ("en", "my")),
        ("de_en.tsv", ("de", "en")),
        ("en-fr.de-en.tsv", ("", "")),
    ],
)
def test_a_direction(name: str, expected: tuple[str, str]) -> None:
    assert direction_of_file(name) == expected


def test_a_language_that_is_known_is_no_word() -> None:
    assert direction_of_file("train_en_no.tsv", ("Norwegian", "")) == ("en", "no")
    assert direction_of_file("is-no.tsv", ("", "no")) == ("is", "no")
    assert languages_of_files("is.txt", "no.txt", ("is", "")) == ("is", "no")
