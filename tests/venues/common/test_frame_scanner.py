"""What a scanner reads is what a JSON decoder and ``plain_decimal`` read; else it says that it cannot."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.decimals import rfc3339_us
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


@given(decimals | st.sampled_from(["1." + "9" * 38, "1." + "9" * 39]))
def test_the_text_of_a_decimal_may_have_more_digits(text: str) -> None:
    frame = FrameScanner(text.encode() + b'"')
    found = frame.decimal_text()
    frame.expect(b'"')
    is_decimal = re.fullmatch(r"[0-9]+(\.[0-9]+)?|\.[0-9]+", text, re.ASCII) is not None and len(text) <= 40
    assert frame.is_whole() == is_decimal
    if is_decimal:
        assert found == text


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
    assert not frame.next_level()
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
        assert frame.next_level()
        assert (frame.price, frame.size) == (plain_decimal(price), plain_decimal(size))
        assert frame.row() == f'{price}","{size}"'.encode()
    assert not frame.next_level()


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


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_row_has_so_many_plain_decimals(count: int) -> None:
    for length in range(1, 6):
        frame = FrameScanner(json.dumps(["1.5"] * length, separators=(",", ":")).encode())
        frame.expect_row(count)
        assert frame.is_whole() == (length == count)


@given(decimals)
def test_a_decimal_of_json_is_what_plain_decimal_says(text: str) -> None:
    frame = FrameScanner(f"{text},".encode())
    found = frame.json_decimal()
    frame.expect(b",")
    try:
        is_json = isinstance(json.loads(text), int | float)
    except ValueError:
        is_json = False
    assert frame.is_whole() == (is_json and plain_decimal(text) != NOT_PLAIN)
    if frame.is_whole():
        assert found == plain_decimal(text)


prices = st.sampled_from(["0", "0.5", "10", "64525.10", "0.00000000"])


@given(st.lists(st.tuples(prices, prices), max_size=4))
def test_levels_that_are_objects_are_read_one_by_one(pairs: list[tuple[str, str]]) -> None:
    levels = ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in pairs)
    frame = FrameScanner(f"[{levels}]".encode())
    frame.has_objects = True
    for price, size in pairs:
        assert frame.next_level()
        assert (frame.price, frame.size) == (plain_decimal(price), plain_decimal(size))
        assert frame.row() == f'{price}","{size}"'.encode()
    assert not frame.next_level()


def read_time(text: str) -> int | None:
    frame = FrameScanner(text.encode())
    found = frame.time_us()
    return found if frame.is_whole() else None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)))
def test_a_time_is_what_it_is_by_the_calendar(at: datetime) -> None:
    text = f"{at.isoformat(timespec='microseconds')}Z"
    assert read_time(text) == rfc3339_us(text)


@given(
    st.text("0123456789:.-TZ+ ", max_size=28)
    | st.from_regex(
        r"(19[67]|[0-9]{3})[0-9](-[0-3][0-9]){2}T[0-2][0-9](:[0-6][0-9]){2}\.[0-9]{6}Z", fullmatch=True
    )
)
def test_another_time_is_refused_or_is_the_same(text: str) -> None:
    found = read_time(text)
    if found is not None:
        assert found == rfc3339_us(text)


@pytest.mark.parametrize(
    "day", ["2023-02-29", "2100-02-29", "2024-04-31", "2024-00-10", "2024-13-01", "1969-12-31"]
)
def test_a_day_that_is_none_is_left_to_the_decoder(day: str) -> None:
    assert read_time(f"{day}T00:00:00.000000Z") is None
    assert read_time("2024-02-29T00:00:00.000000Z") == rfc3339_us("2024-02-29T00:00:00Z")
