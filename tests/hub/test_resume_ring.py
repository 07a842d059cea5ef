"""The resume ring: the latest frames, within its bounds, and never a hole."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from floorwire.hub.resume_ring import MADE_AT_ONCE, SLICE_BYTES, ResumeRing, RingSlice
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.frames import TEXT, frame


def ring_of(*sizes: int, max_bytes: int = 100, max_age_us: int = 1_000) -> ResumeRing:
    """Return a ring with a frame of each size, seqs from 11 on, one a microsecond."""
    ring = ResumeRing(max_bytes, max_age_us)
    for place, size in enumerate(sizes):
        ring.append(11 + place, place, bytes([65 + place]) * size)
    return ring


def slices(ring: ResumeRing, seq: int, codec: Codec = JSON) -> list[RingSlice] | None:
    """Return all slices after a seq. None if there is a hole."""
    got = list[RingSlice]()
    while True:
        one = ring.after(seq, codec)
        if one is None:
            return None
        got.append(one)
        if not one.frames:
            return got
        seq = one.last


def frames_after(ring: ResumeRing, seq: int, codec: Codec = JSON) -> list[bytes] | None:
    """Return the frames of all slices after a seq. None if there is a hole."""
    got = slices(ring, seq, codec)
    return None if got is None else [frame for one in got for frame in one.frames]


def test_everything_after_a_seq() -> None:
    ring = ring_of(1, 1, 1)
    assert ring.after(10) == RingSlice([b"A", b"B", b"C"], 13, 0)
    assert ring.after(12) == RingSlice([b"C"], 13, 0)
    assert ring.after(13) == RingSlice([], 13, 0)


def test_a_slice_has_so_many_bytes_or_one_frame() -> None:
    third = SLICE_BYTES // 3
    ring = ring_of(third, third, third, third, 2 * SLICE_BYTES, 1, max_bytes=10 * SLICE_BYTES)
    got = slices(ring, 10)
    assert got is not None
    assert [(len(one.frames), one.last) for one in got] == [(3, 13), (1, 14), (1, 15), (1, 16), (0, 16)]


def test_what_is_gone_is_not_left_out_silently() -> None:
    ring = ring_of(1, 1, 1)
    assert ring.after(9) is None
    assert ResumeRing(10, 10).after(0) is None


def test_it_holds_so_many_bytes() -> None:
    ring = ring_of(40, 40, 40)
    assert frames_after(ring, 11) == [b"B" * 40, b"C" * 40]
    assert ring.after(10) is None
    assert ring.size == 80


def test_a_frame_larger_than_all_empties_it() -> None:
    ring = ring_of(1, 101)
    assert (ring.after(11), ring.size) == (None, 0)


def test_it_holds_so_long() -> None:
    ring = ring_of(1, 1, 1, max_age_us=10)
    ring.trim(11)
    assert ring.after(10) is None
    assert frames_after(ring, 11) == [b"B", b"C"]
    ring.trim(13)
    assert (ring.after(12), ring.size) == (None, 0)


def test_it_shrinks_to_its_latest_frames() -> None:
    ring = ring_of(10, 10, 10)
    ring.shrink(29)
    assert (frames_after(ring, 11), frames_after(ring, 10), ring.size) == ([b"B" * 10, b"C" * 10], None, 20)
    ring.shrink(0)
    assert (ring.after(13), ring.size) == (None, 0)
    ring.append(14, 3, b"D")
    assert frames_after(ring, 13) == [b"D"]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=40),
    st.integers(1, 120),
    st.integers(0, 20),
    st.integers(0, 45),
)
def test_it_is_the_longest_tail_within_its_bounds(
    frames: list[tuple[int, int]], max_bytes: int, max_age_us: int, after: int
) -> None:
    ring, kept, now_us = ResumeRing(max_bytes, max_age_us), list[tuple[int, int, bytes]](), 0
    for seq, (size, pause_us) in enumerate(frames, 1):
        now_us += pause_us
        ring.append(seq, now_us, bytes(size))
        kept.append((seq, now_us, bytes(size)))
        while kept and (sum(len(f) for *_, f in kept) > max_bytes or kept[0][1] < now_us - max_age_us):
            kept.pop(0)
    assert ring.size == sum(len(frame) for *_, frame in kept)
    wanted = [frame for seq, _, frame in kept if seq > after]
    is_whole = bool(kept) and after + 1 >= kept[0][0]
    assert frames_after(ring, after) == (wanted if is_whole else None)


# --- MessagePack ------------------------------------------------------------------------------------


def ring_of_messages(count: int, max_bytes: int = 10_000) -> ResumeRing:
    """Return a ring with messages of the seqs from 1 on."""
    ring = ResumeRing(max_bytes, 1_000)
    for seq in range(1, count + 1):
        ring.append(seq, seq, frame(TEXT, msgspec.json.encode({"seq": seq})))
    return ring


def test_what_is_made_in_messagepack_is_kept() -> None:
    ring = ring_of_messages(5)
    first = ring.after(1, MSGPACK)
    again = ring.after(0, MSGPACK)
    assert first is not None
    assert again is not None
    assert (first.made, again.made) == (4, 1)
    assert [one is other for one, other in zip(first.frames, again.frames[1:], strict=True)] == [True] * 4
    assert ring.msgpack_size == sum(map(len, again.frames))
    assert ring.after(0, MSGPACK) == RingSlice(again.frames, 5, 0)


def test_a_slice_makes_so_many_in_messagepack() -> None:
    ring = ring_of_messages(2 * MADE_AT_ONCE + 1)
    for made in ([MADE_AT_ONCE, MADE_AT_ONCE, 1, 0], [0, 0]):
        got = slices(ring, 0, MSGPACK)
        assert got is not None
        assert [one.made for one in got] == made
        assert sum(len(one.frames) for one in got) == 2 * MADE_AT_ONCE + 1


def test_it_is_dropped_with_the_event() -> None:
    ring = ring_of_messages(5)
    frames_after(ring, 0, MSGPACK)
    ring.trim(1_004)
    assert ring.after(2, MSGPACK) is None
    kept = ring.after(3, MSGPACK)
    assert kept is not None
    assert ring.msgpack_size == sum(map(len, kept.frames))
    ring.trim(9_999)
    assert (ring.size, ring.msgpack_size) == (0, 0)
    assert ring.after(3, MSGPACK) is None
