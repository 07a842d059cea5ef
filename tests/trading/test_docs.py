"""docs/trading.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.core.authorization import Action
from floorwire.core.codes import Code

PAGE = Path(__file__).parents[2] / "docs" / "trading.md"


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_an_example(code: Code) -> None:
    assert f'"code": "{code.value}"' in PAGE.read_text()


@pytest.mark.parametrize("action", [action for action in Action if "." in action.value])
def test_every_action_on_orders_is_told(action: Action) -> None:
    if action.value.startswith(("order.", "session.")):
        assert f"`{action.value}`" in PAGE.read_text()
