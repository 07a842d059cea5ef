"""How frames are timed and told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.frame_sessions import kind_of
from benchmarks.frame_timing import PASSES, Session, least_ns, read
from benchmarks.frames import ALL, Times


def test_every_item_is_timed_and_each_pass_has_a_new_player() -> None:
    played: list[list[int]] = []

    def make_player() -> Callable[[int], object]:
        played.append([])
        return played[-1].append

    times = least_ns([7, 8, 9], make_player)
    assert played == [[7, 8, 9]] * PASSES
    assert len(times) == 3
    assert all(took >= 0 for took in times)


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    session = Session("okx", {"BTC-USDT": ("BTC", "USDT")}, "", [("{}", 1.5)])
    session.write(tmp_path / "one.json")
    found = read(tmp_path / "one.json")
    assert (found.exchange, found.book) == ("okx", "")
    assert list(found.symbols) == ["BTC-USDT"]
    assert [tuple(frame) for frame in found.frames] == [("{}", 1.5)]


@pytest.mark.parametrize(
    ("exchange", "data", "kind"),
    [
        ("binance", b'{"stream":"btcusdt@depth@100ms","data":{}}', "depth"),
        ("binance", b'{"result":null,"id":1}', ""),
        ("okx", b'{"arg":{"channel":"books","instId":"A-B"},"action":"snapshot","data":[]}', "books, whole"),
        ("okx", b'{"event":"subscribe","arg":{"channel":"books","instId":"A-B"}}', ""),
        ("kraken", b'[1,{"as":[],"bs":[]},"book-10","A/B"]', "book, whole"),
        ("kraken", b'[1,[],"trade","A/B"]', "trade"),
        ("kraken", b'{"event":"heartbeat"}', ""),
    ],
)
def test_the_kind_of_a_frame(exchange: str, data: bytes, kind: str) -> None:
    assert kind_of(exchange, data) == kind


def test_times_are_averages_of_each_kind_and_of_all() -> None:
    assert Times.of(["a", "b", "a"], [1_000, 4_000, 3_000]).by_kind == pytest.approx(
        {"a": 2.0, "b": 4.0, ALL: 8 / 3}
    )
