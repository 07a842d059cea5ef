"""docs/settings.md."""

from __future__ import annotations

from pathlib import Path

from floorwire import config


def test_the_page_is_what_the_code_says() -> None:
    page = Path(__file__).parents[1] / "docs" / "settings.md"
    assert page.read_text() == config.describe(), "make docs writes it anew"


def test_every_setting_is_explained() -> None:
    rows = [line.split("|") for line in config.describe().splitlines() if line.startswith("| `")]
    assert rows
    assert all(row[3].strip() for row in rows)
