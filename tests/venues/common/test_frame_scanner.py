"""What a scanner reads is what a JSON decoder and ``plain_decimal`` read; else it says that it cannot."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.frame_scanner import FrameScanner
from floorwire.venues.common.plain_decimals import NOT_PLAIN, plain_decimal, plain_text

DECIMALS = ["0", "1", "007", "1.5", "0.00000000", "61726.13000000", ".5", "1.", ".", "", "-1", "+1", "1e3"]
DECIMALS += ["9" * 17, "9" * 18, "9" * 40, "0." + "9" * 16, "0." + "9" * 17, "1.2.3", "nan", "\u0663"]
DECIMALS += ["1 ", "1\x00", "1\\u0030"]
decimals = (
    st.sampled_from(DECIMALS)
    | st.text("0123456789.", max_size=20)
    | st.text("0123456789.-eE+ \0", max_size=20)
)


def written(pairs: list[tuple[str, str]]) -> bytes:
    return json.dumps(pairs, separators=(",", ":"), ensure_ascii=False).encode()


@given(decimals)
def test_a_decimal_is_what_plain_decimal_says(text: str) -> None:
    frame = FrameScanner(text.encode() + b'"')
    assert frame.decimal() == plain_decimal(text)
    frame.expect(b'"')
    assert frame.is_whole() == (plain_decimal(text) != NOT_PLAIN)


@given(decimals)
def test_the_text_of_a_plain_decimal_is_the_same_decimal(text: str) -> None:
    plain = plain_decimal(text)
    if plain != NOT_PLAIN:
        assert plain_decimal(plain_text(plain)) == plain


@given(st.integers(0, 10**20).map(str) | st.sampled_from(["", "01", "00", "-1", "1.5", "1e3", "1x"]))
def test_a_whole_number_is_one_of_json(text: str) -> None:
    frame = FrameScanner(f"{text},".encode())
    value = frame.number()
    frame.expect(b",")
    is_number = text.isdecimal() and len(text) <= 17 and str(int(text)) == text
    assert frame.is_whole() == is_number
    if is_number:
        assert value == int(text)


@pytest.mark.parametrize("text", ["", "BTCUSDT", "a b", "1INCH-USD"])
def test_plain_text_is_read_up_to_the_quotation_mark(text: str) -> None:
    frame = FrameScanner(f'{text}",'.encode())
    assert frame.text() == text
    frame.expect(b'",')
    assert frame.is_whole()


@pytest.mark.parametrize("data", [b"BTC", b'B\\u0054C"', b'\xc3\xa4"', b'a\nb"', b'a\0b"', b'a\x7fb"'])
def test_other_text_is_not_read(data: bytes) -> None:
    frame = FrameScanner(data)
    assert frame.text() == ""
    assert not frame.is_whole()


def test_only_what_is_expected_is_gone_past() -> None:
    frame = FrameScanner(b'{"a":1}')
    assert not frame.has(b'{"b"')
    assert frame.has(b"")
    frame.expect(b'{"a":')
    assert not frame.has(b"1}x"), "the frame ends there"
    assert not frame.is_whole()
    frame.expect(b"1}")
    assert frame.is_whole()


def test_nothing_is_read_after_something_else() -> None:
    frame = FrameScanner(b'{"a":[["1","2"]]}')
    frame.expect(b'{"b":')
    assert not frame.has(b'{"a":')
    assert (frame.number(), frame.decimal(), frame.text()) == (0, NOT_PLAIN, "")
    frame.expect_pairs()
    assert not frame.is_in_row()
    assert not frame.is_whole()


@pytest.mark.parametrize("text", ["btc@a", "@a"])
def test_a_character_is_looked_for_in_a_text(text: str) -> None:
    frame = FrameScanner(text.encode())
    frame.expect_past(ord("@"))
    frame.expect(b"a")
    assert frame.is_whole()


@pytest.mark.parametrize("text", ['btc"@a', "btc", "b\\@a"])
def test_a_character_behind_the_end_of_a_text_is_not_found(text: str) -> None:
    frame = FrameScanner(text.encode())
    frame.expect_past(ord("@"))
    assert not frame.is_whole()


@given(st.lists(st.tuples(decimals, decimals), max_size=4))
def test_a_list_of_pairs_is_gone_past_if_all_are_plain(pairs: list[tuple[str, str]]) -> None:
    frame = FrameScanner(b"." + written(pairs) + b"}")
    frame.at = 1
    assert frame.expect_pairs() == 1
    frame.expect(b"}")
    is_plain = all(plain_decimal(text) != NOT_PLAIN for pair in pairs for text in pair)
    assert frame.is_whole() == is_plain
    if not is_plain:
        return
    frame.at = 1
    for price, size in pairs:
        assert frame.is_in_row()
        assert frame.decimal() == plain_decimal(price)
        frame.expect(b'","')
        assert frame.decimal() == plain_decimal(size)
    assert not frame.is_in_row()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        '[["1","2"]',
        '[["1","2"],]',
        '[["1","2"] ]',
        '[["1","2","3"]]',
        '[["1"]]',
        "[[1,2]]",
        "null",
        '["1","2"]',
    ],
)
def test_what_is_no_list_of_pairs_is_not_gone_past(text: str) -> None:
    frame = FrameScanner(text.encode())
    frame.expect_pairs()
    assert not frame.is_whole()
