"""A deadline holds for the whole answer."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection, HTTPException

import pytest

from floorwire.ops.answer_deadline import answered_within
from tests.dripping_server import HEAD, dripping

CLOSES = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def read(port: int, seconds: float, size: int | None = None) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.connect()
        with answered_within(connection, seconds):
            connection.request("GET", "/")
            return connection.getresponse().read(size)


@pytest.mark.parametrize(("start", "drop"), [(HEAD, b" "), (CLOSES, b" "), (b"HTTP", b"x")])
def test_an_answer_that_drips_is_cut(start: bytes, drop: bytes) -> None:
    with dripping(start, drop) as port, pytest.raises((TimeoutError, HTTPException, ConnectionError)):
        read(port, 0.2)


def test_a_part_of_an_answer_is_none() -> None:
    """Where the length is not asked for, a cut answer would look like a whole one."""
    with dripping() as port, pytest.raises(TimeoutError):
        read(port, 0.2, 1000)


def test_an_answer_in_time_is_left_alone() -> None:
    with dripping(HEAD.replace(b"100000", b"3"), b"x") as port:
        assert read(port, 30) == b"xxx"
