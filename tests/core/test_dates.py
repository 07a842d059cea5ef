from __future__ import annotations

import pytest

from floorwire.core.dates import rfc3339


@pytest.mark.parametrize(
    ("date_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_607_418_537_715_000, "2020-12-08T09:08:57.715Z"),
        (1_607_418_537_715_999, "2020-12-08T09:08:57.715Z"),
    ],
)
def test_a_date_is_written_in_utc_with_milliseconds(date_us: int, text: str) -> None:
    assert rfc3339(date_us) == text
