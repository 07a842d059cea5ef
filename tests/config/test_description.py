"""docs/settings.md."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from floorwire import config
from floorwire.config import Settings, VenueSettings


def test_the_page_is_what_the_code_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == config.describe(), "make docs writes it anew"


def test_every_description_is_a_row_with_name_default_and_meaning() -> None:
    rows = [line.split(" | ") for line in config.describe().splitlines() if line.startswith("| `")]
    assert len(rows) > 25
    assert all(len(row) == 3 and row[2].strip(" |") for row in rows)
    names = [row[0].strip("|` ") for row in rows]
    assert {"limits.connections", "outbox.bytes", "resume.seconds", "ping.interval_s", "venue"} <= set(names)


def test_every_default_can_be_written_as_it_is_described() -> None:
    for line in config.describe().splitlines():
        if line.startswith("| `"):
            name, default, _ = (part.strip("|` ") for part in line.split(" | "))
            value = msgspec.json.decode(default)
            text = ",".join(value) if isinstance(value, list) else str(value)
            one = config.load(assignments=[] if value is None else [f"{name.replace('ID', 'a')}={text}"])
            assert replace(one, venues={}) == Settings()
            assert all(venue == VenueSettings() for venue in one.venues.values())
