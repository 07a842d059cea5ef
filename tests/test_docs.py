"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "floorwire"
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
FILE = re.compile(r"`(?:src/floorwire/)?((?:[a-z_0-9]+/)*[a-z_0-9]+\.(?:py|pxd|c|h|js))`")
ELSEWHERE = ("tests/", "examples/", "benchmarks/", "docs/")


def exists(name: str) -> bool:
    if name.startswith(ELSEWHERE) or (ROOT / name).exists():
        return (ROOT / name).exists()
    return (SOURCES / name).exists() or ("/" not in name and any(SOURCES.rglob(name)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = FILE.findall(page.read_text())
    assert [name for name in named if not exists(name)] == []
