"""What tests of commands for operators share: a data folder, an operator's key in a file, a trader's key.

Each module runs its own server over the folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.cli.operator import key_file
from tests.trading.trader import key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operated") / "data"


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    """Return the operator's key."""
    return key_file(folder)


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    """Return Alice's key."""
    return key(folder)
