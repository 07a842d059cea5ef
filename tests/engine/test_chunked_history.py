from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.engine import chunked_history
from floorwire.engine.chunked_history import CHUNK_SIZE, ChunkedHistory


@given(st.integers(0, 3 * CHUNK_SIZE), st.integers(0, 5 * CHUNK_SIZE))
def test_it_keeps_what_a_bounded_deque_keeps(more: int, count: int) -> None:
    most = CHUNK_SIZE + more
    known, plain, dropped = ChunkedHistory[int](most), deque[int](maxlen=most), []
    for number in range(count):
        oldest = known.add(number)
        plain.append(number)
        if oldest is not None:
            dropped.append(oldest)
    assert list(known) == list(plain)
    assert len(known) == len(plain)
    assert dropped == list(range(count - len(plain)))


@given(st.integers(0, CHUNK_SIZE), st.integers(0, 4 * CHUNK_SIZE), st.integers(0, 2 * CHUNK_SIZE))
def test_a_history_made_from_chunks_continues_like_the_first(more: int, count: int, later: int) -> None:
    known = ChunkedHistory[int](CHUNK_SIZE + more)
    for number in range(count):
        known.add(number)
    again = ChunkedHistory(CHUNK_SIZE + more, known.chunks(), known.dropped)
    for number in range(later):
        assert again.add(number) == known.add(number)
    assert list(again) == list(known)
    assert (again.chunks(), again.dropped) == (known.chunks(), known.dropped)


def test_chunks_in_a_snapshot_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_history, "CHUNK_SIZE", 2)
    known = ChunkedHistory[int](3)
    for number in range(5):
        known.add(number)
    chunks = known.chunks()
    assert (chunks, known.dropped) == ([(2, 3), (4,)], 0)
    known.add(5)
    assert chunks == [(2, 3), (4,)]
    assert (known.chunks(), known.dropped) == ([(2, 3), (4, 5)], 1)
