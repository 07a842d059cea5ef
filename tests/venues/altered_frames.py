"""Frames with some bytes put in and others left out."""

from __future__ import annotations

from hypothesis import strategies as st

_places = st.tuples(st.integers(0, 400), st.binary(max_size=2), st.integers(0, 2))


def altered(frames: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy of these frames with up to two alterations."""
    return st.builds(_alter, st.sampled_from(frames), st.lists(_places, max_size=2))


def _alter(data: bytes, alterations: list[tuple[int, bytes, int]]) -> bytes:
    for place, added, left_out in alterations:
        at = place % len(data) if data else 0
        data = data[:at] + added + data[at + left_out :]
    return data
