"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from floorwire.history import work_pauses


@pytest.fixture(autouse=True, scope="package")
def _no_pauses() -> Iterator[None]:
    """Let threads go on: on a busy machine each pause lasts for milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_pauses, "PAUSE_S", 0)
        yield
