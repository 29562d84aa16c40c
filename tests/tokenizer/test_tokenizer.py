"""Any text survives encoding and decoding, and a vocabulary can be trained on any text."""

import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq.errors import InputError
from seq2seq.tokenizer.symbols import NAMES, SYMBOLS
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from seq2seq.tokenizer.training import _parts, default_vocab_size, train_tokenizer

WORDS = ["the", "a", "cat", "dog", "sees", "runs", "house", "tree", "big", "small", "blue", "under", "over", "man"]
BYTES_AND_SPECIALS = 260


def sentences(count: int = 300) -> list[str]:
    draw = random.Random(7)
    return [" ".join(draw.choices(WORDS, k=draw.randint(3, 9))) + "." for _ in range(count)]


def train(texts: list[str], vocab_size: int = 320, model_type: str = "unigram") -> Tokenizer:
    return train_tokenizer(texts, Counter("".join(texts)), vocab_size, model_type)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train(sentences(), model_type=request.param)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581")))
@example("")
@example(" ")
@example("  the   cat  ")
@example("\tthe\u00a0cat\u3000")
@example("the\0cat\0")
@example("\0")
@example("the\ncat\r\n")
@example("\u2028\u2029\x85\f")
@example("<s>the</s><unk><pad>")
@example("<0x0A><0xFF>")
@example("\u2047 \ufffd\ufeff\ufffe\U0010ffff")
@example("\u2585")
@example("e\u0301 \ufb01 ½ Ａ")
@settings(deadline=None)
def test_decoding_restores_any_text(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode([text])[0]) == text


def test_only_the_blank_symbol_itself_is_lost(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode(["a\u2581b"])[0]) == "a b"


@given(st.lists(st.text(st.sampled_from("the cat<s>\n日")), max_size=5))
@settings(deadline=None)
def test_texts_are_encoded_one_by_one(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert tokenizer.encode(texts) == [tokenizer.encode([text])[0] for text in texts]


@given(st.lists(st.sampled_from(["<s>", "</s>", "<pad>", "<unk>", "<0x0A>", "a", " ", "日", "\0"])))
@settings(deadline=None)
def test_no_text_is_encoded_to_a_special_piece_or_a_line_end(tokenizer: Tokenizer, parts: list[str]) -> None:
    assert not {*tokenizer.forbidden_ids(), EOS} & set(tokenizer.encode(["".join(parts)])[0])


@pytest.mark.parametrize("text", ["日本", "😀", "ß", "the 猫 runs"])
def test_characters_outside_the_vocabulary_fall_back_to_bytes(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode([text])[0]
    spelt = [piece for piece in tokenizer.pieces(ids) if piece.startswith("<0x")]
    foreign = "".join(character for character in text if not character.isascii())
    assert spelt == [f"<0x{byte:02X}>" for byte in foreign.encode()]
    assert UNK not in ids
    assert tokenizer.decode(ids) == text


def test_invalid_bytes_decode_to_the_replacement_character(tokenizer: Tokenizer) -> None:
    first_byte = tokenizer.encode(["日"])[0][-3]
    assert tokenizer.pieces([first_byte]) == ["<0xE6>"]
    assert tokenizer.decode([first_byte]) == "\ufffd"


def test_words_start_with_a_blank(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(["the cat"])[0]
    assert "".join(tokenizer.pieces(ids)) == "\u2581the\u2581cat"
    assert [tokenizer.starts_word(i) for i in ids] == [piece[0] == "\u2581" for piece in tokenizer.pieces(ids)]
    assert sum(tokenizer.starts_word(i) for i in ids) == 2


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
@pytest.mark.parametrize(("between", "literal"), [(" ", []), ("\n", ["\n"]), ("\r\n", ["\n", "\r"])])
def test_forbidden_ids_are_line_breaks_and_special_pieces_except_eos(
    model_type: str, between: str, literal: list[str]
) -> None:
    tokenizer = train([f"{text}{between}{text}" for text in sentences()], model_type=model_type)
    forbidden_ids = tokenizer.forbidden_ids()
    assert forbidden_ids[:3] == [PAD, UNK, BOS]
    assert EOS not in forbidden_ids
    pieces = tokenizer.pieces(forbidden_ids[3:])
    assert {"<0x0A>", "<0x0D>"} <= set(pieces)
    assert sorted({character for piece in pieces for character in piece if character in "\r\n"}) == literal
    for i in set(range(len(tokenizer))) - set(forbidden_ids):
        assert not set("\r\n") & set(tokenizer.decode([i])), tokenizer.pieces([i])


def test_special_pieces_have_their_ids(tokenizer: Tokenizer) -> None:
    assert tokenizer.pieces([PAD, UNK, BOS, EOS]) == ["<pad>", "<unk>", "<s>", "</s>"]
    assert tokenizer.pieces(range(4, BYTES_AND_SPECIALS)) == [f"<0x{byte:02X}>" for byte in range(256)]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_symbols_stand_between_the_special_pieces_and_the_bytes(model_type: str) -> None:
    texts = [f"{name} the cat" for name in NAMES] + sentences()
    tokenizer = train_tokenizer(texts, Counter("".join(texts)), 400, model_type, symbols=True)
    assert tokenizer.has_symbols
    assert tokenizer.pieces(SYMBOLS) == list(NAMES)
    assert tokenizer.byte_pieces() == set(range(SYMBOLS.stop, SYMBOLS.stop + 256))
    assert not train(texts, model_type=model_type).has_symbols
    for name, ids in zip(NAMES, tokenizer.encode(NAMES), strict=True):
        assert not set(ids) & set(SYMBOLS)
        assert tokenizer.decode(ids) == name


@pytest.mark.parametrize("text", ["", "the", " the", "日", "\U0010ffff"])
def test_a_text_can_begin_within_a_word(text: str) -> None:
    characters = [chr(0x10FFFF), chr(0x10FFFE)]
    for tokenizer in (train(sentences()), train([*sentences(), *characters * 50], 400)):
        (ids,) = tokenizer.encode_within([text])
        assert tokenizer.decode([*tokenizer.encode(["cat"])[0], *ids]) == f"cat{text}"


@pytest.mark.parametrize("vocab_size", [1, 100, BYTES_AND_SPECIALS, BYTES_AND_SPECIALS + 1])
def test_too_small_a_vocabulary_is_an_input_error(vocab_size: int) -> None:
    with pytest.raises(InputError, match=rf"vocab_size = {vocab_size} is too small"):
        train(sentences(), vocab_size)


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
@pytest.mark.parametrize("rare_share", [0.005, 0.05, 1.0])
def test_vocabulary_smaller_than_the_number_of_characters_trains(model_type: str, rare_share: float) -> None:
    draw = random.Random(3)
    rare = [chr(0x4E00 + number) for number in range(400)]
    texts = [
        "".join(draw.choice(rare) if draw.random() < rare_share else draw.choice("abcde ") for _ in range(50))
        for _ in range(300)
    ]
    tokenizer = train(texts, 400, model_type)
    assert len(tokenizer) <= 400
    single = [i for i in range(BYTES_AND_SPECIALS, len(tokenizer)) if len(tokenizer.pieces([i])[0]) == 1]
    assert len(single) <= 80
    assert all(tokenizer.decode(ids) == text for ids, text in zip(tokenizer.encode(texts), texts, strict=True))


@pytest.mark.parametrize("vocab_size", [BYTES_AND_SPECIALS + 2, 270, 300, 2000])
def test_vocabulary_has_at_most_the_requested_size(vocab_size: int) -> None:
    assert BYTES_AND_SPECIALS < len(train(sentences(), vocab_size)) <= vocab_size


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_same_texts_give_the_same_model(model_type: str) -> None:
    assert train(sentences(), model_type=model_type).model == train(sentences(), model_type=model_type).model


def test_model_bytes_make_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    again = Tokenizer(tokenizer.model)
    assert again.encode(sentences()) == tokenizer.encode(sentences())


@pytest.mark.parametrize("blank", [" ", ""])
def test_the_vocabulary_is_learned_from_long_lines_too(blank: str) -> None:
    texts = ["short lines of text"] * 50 + [blank.join(["ünlöng"] * 2000)]
    trained = train(texts)
    assert not trained.byte_pieces() & set(trained.encode(["ünlöng"])[0])


@pytest.mark.parametrize("length", [1, 1048, 1049, 5000])
def test_long_lines_are_cut_at_blanks(length: int) -> None:
    draw = random.Random(length)
    text = "".join(draw.choices("ab ", k=length)).strip() or "a"
    parts = list(_parts(text))
    assert " ".join(parts) == text
    assert all(len(part.encode()) <= 4192 for part in parts)
    assert "".join(_parts("ж" * length)) == "ж" * length


def test_no_text_at_all_is_an_input_error() -> None:
    with pytest.raises(InputError, match="could not be trained"):
        train([])


@pytest.mark.parametrize("damage", ["empty", "garbage", "zeros", "truncated", "start only"])
def test_invalid_model_bytes_are_an_input_error(tokenizer: Tokenizer, damage: str) -> None:
    model = {
        "empty": b"",
        "garbage": b"this is no model",
        "zeros": bytes(1000),
        "truncated": tokenizer.model[:-3],
        "start only": tokenizer.model[:500],
    }[damage]
    with pytest.raises(InputError) as caught:
        Tokenizer(model)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 50_000))
@settings(deadline=None, max_examples=30)
def test_default_vocab_size_grows_with_the_data_within_limits(first: int, second: int, characters: int) -> None:
    counts = Counter({chr(0x10000 + number): 100 for number in range(characters)})
    small, large = sorted((first, second))
    sizes = [default_vocab_size(pairs, counts) for pairs in (small, large)]
    assert sizes == sorted(sizes)
    assert all(3_400 <= size <= 32_000 and size % 8 == 0 for size in sizes)
    assert sizes[0] >= default_vocab_size(small, Counter("abc"))


def test_default_vocab_size_leaves_room_for_many_characters() -> None:
    assert default_vocab_size(29_000, Counter("abc")) == 4_088
    assert default_vocab_size(100, Counter("abc")) == 3_400
    assert default_vocab_size(100, Counter({chr(0x4E00 + number): 1 for number in range(3_000)})) >= 6_000
    assert default_vocab_size(10**9, Counter("abc")) == 32_000
