"""docs/protocol.md and the codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.core.codes import Code

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.mark.parametrize("code", list(Code))
def test_the_protocol_tells_every_code(code: Code) -> None:
    row = f"| `{code.value}` | {'yes' if code.retry else 'no'} | {code.meaning} |"
    assert row in PAGE.read_text().splitlines()
