"""What tests of trading share."""

from __future__ import annotations

import pytest

from tests.trading.flaky import Disk


@pytest.fixture
def disk() -> Disk:
    return Disk()
