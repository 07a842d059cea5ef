from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.engine import chunked_history
from floorwire.engine.chunked_history import SHARE, ChunkedHistory


@given(st.integers(0, 3 * SHARE), st.integers(0, 5 * SHARE))
def test_it_knows_what_a_bounded_deque_would(more: int, count: int) -> None:
    most = SHARE + more
    known, plain, forgotten = ChunkedHistory[int](most), deque[int](maxlen=most), []
    for number in range(count):
        oldest = known.add(number)
        plain.append(number)
        if oldest is not None:
            forgotten.append(oldest)
    assert list(known) == list(plain)
    assert len(known) == len(plain)
    assert forgotten == list(range(count - len(plain)))


@given(st.integers(0, SHARE), st.integers(0, 4 * SHARE), st.integers(0, 2 * SHARE))
def test_what_it_told_of_itself_makes_another_that_goes_on_alike(more: int, count: int, later: int) -> None:
    known = ChunkedHistory[int](SHARE + more)
    for number in range(count):
        known.add(number)
    again = ChunkedHistory(SHARE + more, known.shares(), known.forgotten)
    for number in range(later):
        assert again.add(number) == known.add(number)
    assert list(again) == list(known)
    assert (again.shares(), again.forgotten) == (known.shares(), known.forgotten)


def test_shares_taken_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_history, "SHARE", 2)
    known = ChunkedHistory[int](3)
    for number in range(5):
        known.add(number)
    shares = known.shares()
    assert (shares, known.forgotten) == ([(2, 3), (4,)], 0)
    known.add(5)
    assert shares == [(2, 3), (4,)]
    assert (known.shares(), known.forgotten) == ([(2, 3), (4, 5)], 1)
