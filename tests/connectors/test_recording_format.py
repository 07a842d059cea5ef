"""A recording of ``floorwire record`` as it was in the repository when its format was decided on."""

from __future__ import annotations

import gzip

from floorwire.connectors import recording
from floorwire.core.market_events import FeedStatus
from floorwire.core.ports import VenueOutput, Wake, Woke
from tests.recorded import make_session
from tests.venues.driver import events, every, statuses


def played(path: object) -> list[VenueOutput]:
    venue = recording.replay(recording.read(path), speed=None)  # type: ignore[arg-type]
    out = list(venue.start(0))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), 0)
    return out


def test_our_session_is_what_is_made() -> None:
    found = {file.name: gzip.decompress(file.read_bytes()) for file in make_session.FOLDER.iterdir()}
    assert found == make_session.files()


def test_it_plays_to_the_events_of_its_source() -> None:
    read = recording.read(make_session.FOLDER)
    assert (read.adapter, read.skipped) == ("okx", ())
    recorded, source = played(make_session.FOLDER), played(make_session.SOURCE)
    assert events(recorded) == events(source)
    assert [said for said in statuses(recorded) if said[1] == "stale"] == [(None, "stale", "ended")]
    assert len(every(recorded, FeedStatus)) > 3


def test_a_session_is_found_by_its_name() -> None:
    by_name = recording.read(make_session.FOLDER / make_session.SESSION)
    assert by_name.frames == recording.read(make_session.FOLDER).frames
