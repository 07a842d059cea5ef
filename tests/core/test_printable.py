from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.printable import printable, printable_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("Zo\u00eb \u6771\u4eac \U0001f600", "Zo\u00eb \u6771\u4eac \U0001f600"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x7fb\x00\r\n\t", r"a\x7fb\x00\r\n\t"),
        ("\u202eevil", r"\u202eevil"),
        ("\u2028\u200b\ud800", r"\u2028\u200b\ud800"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_we_wrote_ourselves_may_be_kept() -> None:
    assert printable("a\nb\tc\x1b", keep="\n\t") == "a\nb\tc\\x1b"


@given(st.text())
def test_all_of_it_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert text.isprintable() is (printable(text) == text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_means_the_same(value: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        shown = printable_json(text.encode(errors="surrogatepass"))
        assert shown.isprintable()
    assert json.loads(printable_json(json.dumps(value).encode())) == value


@given(st.binary())
def test_any_bytes_are_printable(data: bytes) -> None:
    assert printable_json(data).isprintable()
