"""The heartbeat channel."""

from __future__ import annotations

from floorwire.channels.heartbeat import CHANNEL
from floorwire.core.notices import SecondPassed
from tests.channels.stream_driver import Drive


def test_seq_counts_the_beats() -> None:
    drive = Drive(CHANNEL)
    assert [
        (beat.seq, beat.ts) for beat in drive.feed(SecondPassed(10), SecondPassed(20), SecondPassed(30))
    ] == [
        (1, 10),
        (2, 20),
        (3, 30),
    ]


def test_the_state_is_the_last_beat() -> None:
    drive = Drive(CHANNEL)
    assert drive.state() is None
    (beat,) = drive.feed(SecondPassed(10))
    assert drive.state() == beat
    late = Drive(CHANNEL, tracker=drive.tracker, seq=1)
    assert late.state() == beat
