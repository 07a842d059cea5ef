"""What every test shares: judged by what it finds, not by how fast the machine is; and a home of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("floorwire", deadline=None, print_blob=True)
settings.load_profile("floorwire")


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the data folders of tests out of the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("FLOORWIRE_MASTER_KEY", raising=False)
        yield
