"""Links that were up beside those that they replaced, in a replay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.connectors import replaced_links
from floorwire.connectors.replaced_links import one_after_the_other
from floorwire.core.ports import Closed, Frame, Opened
from floorwire.venues.common.stream_links import REPLACEMENT
from floorwire.venues.recorded_links import RecordedInput

OLD, NEW = "spot-0", f"spot-0{REPLACEMENT}"


def at(at_us: int, happened: Opened | Frame | Closed) -> RecordedInput:
    return RecordedInput(at_us, happened)


def told(inputs: list[RecordedInput]) -> list[tuple[int, str, str]]:
    """Return time, link, and what happened on it."""
    found = []
    for recorded in one_after_the_other(inputs):
        happened = recorded.happened
        what = str(happened.data) if isinstance(happened, Frame) else type(happened).__name__
        found.append((recorded.at_us, happened.link, what))
    return found


def test_the_old_link_is_played_to_its_end_and_then_the_new_one() -> None:
    assert told(
        [
            at(1, Opened(OLD)),
            at(2, Frame(OLD, "a")),
            at(3, Opened(NEW)),
            at(4, Frame(NEW, "snapshot")),
            at(5, Frame(OLD, "b")),
            at(6, Frame(NEW, "b again")),
            at(7, Closed(OLD, "replaced")),
            at(8, Frame(NEW, "c")),
        ]
    ) == [
        (1, OLD, "Opened"),
        (2, OLD, "a"),
        (5, OLD, "b"),
        (7, NEW, "Opened"),
        (7, NEW, "snapshot"),
        (7, NEW, "b again"),
        (7, OLD, "Closed"),
        (8, NEW, "c"),
    ]


def test_a_link_that_is_replaced_again() -> None:
    inputs = [
        at(1, Opened(OLD)),
        at(2, Opened(NEW)),
        at(3, Closed(OLD, "replaced")),
        at(4, Opened(OLD)),
        at(5, Frame(NEW, "new")),
        at(6, Frame(OLD, "old again")),
        at(7, Closed(NEW, "replaced")),
    ]
    assert [(link, what) for _, link, what in told(inputs)] == [
        (OLD, "Opened"),
        (NEW, "Opened"),
        (OLD, "Closed"),
        (NEW, "new"),
        (OLD, "Opened"),
        (OLD, "old again"),
        (NEW, "Closed"),
    ]


def test_a_replacement_that_was_given_up_never_was() -> None:
    inputs = [
        at(1, Opened(OLD)),
        at(2, Opened(NEW)),
        at(3, Frame(NEW, "x")),
        at(4, Closed(NEW, "unwanted")),
        at(5, Frame(OLD, "a")),
    ]
    assert told(inputs) == [(1, OLD, "Opened"), (5, OLD, "a")]


def test_other_links_and_lost_ones_stay_as_they_are() -> None:
    inputs = [
        at(1, Opened("spot-0")),
        at(2, Opened("spot-1")),
        at(3, Frame("spot-1", "a")),
        at(4, Closed("spot-0", "cut")),
        at(5, Opened("spot-0")),
        at(6, Frame("spot-0", "b")),
    ]
    assert list(one_after_the_other(inputs)) == inputs


def test_a_recording_that_ends_meanwhile_loses_nothing() -> None:
    inputs = [at(1, Opened(OLD)), at(2, Opened(NEW)), at(3, Frame(NEW, "x"))]
    assert [what for _, _, what in told(inputs)] == ["Opened", "Opened", "x"]


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced_links, "MAX_HELD", 3)
    frames = [at(3 + n, Frame(NEW, str(n))) for n in range(4)]
    found = told([at(1, Opened(OLD)), at(2, Opened(NEW)), *frames])
    assert [what for _, _, what in found] == ["Opened", "Opened", "0", "1", "2", "3"]


@given(
    st.lists(st.tuples(st.sampled_from([OLD, NEW]), st.sampled_from(["open", "frame", "close"])), max_size=30)
)
def test_frames_of_a_link_keep_their_order_and_time_never_goes_back(steps: list[tuple[str, str]]) -> None:
    is_up: set[str] = set()
    inputs: list[RecordedInput] = []
    for number, (link, step) in enumerate(steps):
        if step == "open" and link not in is_up:
            is_up.add(link)
            inputs.append(at(number, Opened(link)))
        elif step == "frame" and link in is_up:
            inputs.append(at(number, Frame(link, str(number))))
        elif step == "close" and link in is_up:
            is_up.discard(link)
            inputs.append(at(number, Closed(link, "")))
    found = list(one_after_the_other(inputs))
    for link in (OLD, NEW):
        mine = [
            int(one.happened.data)
            for one in found
            if isinstance(one.happened, Frame) and one.happened.link == link
        ]
        assert mine == sorted(mine)
        given_frames = [
            one for one in inputs if isinstance(one.happened, Frame) and one.happened.link == link
        ]
        assert len(mine) <= len(given_frames)
    assert [one.at_us for one in found] == sorted(one.at_us for one in found)
