"""docs/security.md: each threat has a defence, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if "::test_" in line]
TESTS = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", PAGE)


def test_each_row_has_a_threat_a_defence_and_tests() -> None:
    assert len(ROWS) > 25
    for row in ROWS:
        threat, defence, tests = row
        assert threat
        assert defence
        assert re.fullmatch(r"(`tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+` ?)+", tests), tests


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_each_test_that_is_named_exists(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
