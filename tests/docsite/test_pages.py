"""The pages that the code writes are current, and tell of everything that they are about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from docsite.pages import PAGES

from docsite import codes, commands, messages, metrics
from floorwire.cli import COMMANDS
from floorwire.core.codes import CloseCode, Code
from floorwire.protocol.codec import ACTIONS
from floorwire.protocol.envelopes import Outgoing

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_what_is_published_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs writes it anew"


def test_every_code_has_a_row() -> None:
    assert re.findall(r"^\| `(\w+)`", codes.errors_page(), re.MULTILINE) == [code.value for code in Code]
    rows = re.findall(r"^\| (\d+)", codes.close_codes_page(), re.MULTILINE)
    assert rows == [str(code.value) for code in CloseCode]


def test_every_message_has_a_section() -> None:
    sections = re.findall(r"^### (.*)$", messages.page(), re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert set(sections) == ACTIONS | {kind.__name__ for kind in get_args(Outgoing)}


def test_every_command_has_a_section_that_the_list_links_to() -> None:
    page = commands.page()
    for name in COMMANDS:
        assert f"(#floorwire-{name})" in page
        assert f"\n## `floorwire {name}`\n" in page


def test_every_metric_has_a_row() -> None:
    rows = re.findall(r"^\| `(floorwire_\w+)", metrics.page(), re.MULTILINE)
    assert len(rows) == len(list(metrics.families())) > 50
