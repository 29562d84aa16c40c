"""The tokenizer of BLEU by language or script, and those that cannot be used."""

import socket
import sys

import pytest
import sacrebleu.tokenizers.tokenizer_spm
from sacrebleu.metrics.bleu import BLEU

from seq2seq.errors import InputError
from seq2seq.evaluation import tokenizers
from seq2seq.evaluation.tokenizers import choose_tokenizer, expect_tokenizer

CHINESE, JAPANESE, KOREAN = ["我爱北京，也爱 Linux"], ["私は猫が好きです"], ["나는 고양이를 좋아한다"]


@pytest.mark.parametrize(
    ("language", "references", "name"),
    [
        ("", ["un chat noir", "x"], "13a"),
        ("fr", [], "13a"),
        ("", CHINESE, "zh"),
        ("zh-TW", ["Linux"], "zh"),
        ("Chinese", [], "zh"),
        ("", JAPANESE, "ja-mecab"),
        ("jpn", CHINESE, "ja-mecab"),
        ("", KOREAN, "ko-mecab"),
        ("th", ["ฉันรักแมว"], "char"),
        ("", ["ខ្ញុំស្រលាញ់ឆ្មា"], "char"),
    ],
)
@pytest.mark.parametrize("installed", [True, False])
def test_the_language_or_the_script_decides(
    language: str, references: list[str], name: str, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizers, "_is_usable", lambda name: installed or name == "zh")
    fallbacks = {} if installed else {"ja-mecab": "char", "ko-mecab": "13a"}
    chosen = choose_tokenizer(None, language, references)
    assert chosen.name == fallbacks.get(name, name)
    assert bool(chosen.note) == (name != "13a")
    assert ("pip install 'sacrebleu[" in chosen.note) == (name in fallbacks)
    assert not chosen.warning


def test_what_is_given_is_used_with_a_warning_where_another_fits_better() -> None:
    chosen = choose_tokenizer("13a", "", CHINESE)
    assert (chosen.name, chosen.note) == ("13a", "")
    assert chosen.warning.endswith("the references look Chinese, sacreBLEU recommends zh")
    assert not choose_tokenizer("zh", "", CHINESE).warning
    assert not choose_tokenizer("intl", "", ["un chat"]).warning


@pytest.mark.parametrize("name", ["13a", "intl", "zh", "char", "none"])
def test_tokenizers_without_requirements_are_usable(name: str) -> None:
    expect_tokenizer(name)


@pytest.mark.parametrize(("name", "library"), [("ja-mecab", "ja"), ("ko-mecab", "ko")])
def test_a_missing_library_is_named(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"sacrebleu.tokenizers.tokenizer_{name.replace('-', '_')}"
    __import__(module)
    monkeypatch.setattr(sys.modules[module], "MeCab", None)
    with pytest.raises(InputError, match=rf"not installed: pip install 'sacrebleu\[{library}\]'"):
        expect_tokenizer(name)


def test_a_failing_download_is_reported_and_limited_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def fail(*_: object) -> None:
        limits.append(socket.getdefaulttimeout())
        raise OSError("no route to host")

    monkeypatch.setattr(sacrebleu.tokenizers.tokenizer_spm, "download_file", fail)
    monkeypatch.setattr("os.path.exists", lambda _: False)
    with pytest.raises(InputError, match=r"--tokenize flores200: .* \(no route to host\)"):
        expect_tokenizer("flores200")
    assert limits == [20.0]
    assert socket.getdefaulttimeout() is None


def test_an_unknown_tokenizer_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(InputError, match="no tokenizer 'moses'") as caught:
        expect_tokenizer("moses")
    assert all(name in str(caught.value) for name in BLEU.TOKENIZERS)
