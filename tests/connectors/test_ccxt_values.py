"""From ccxt's numbers and structures to texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.connectors.ccxt_values import milliseconds, number, part, structure, text


@given(st.decimals(min_value=0, max_value=9_999_999, places=8))
def test_a_float_is_the_text_that_the_exchange_wrote(found: object) -> None:
    written = f"{found:f}"
    shown = text(float(written))
    assert shown is not None
    if len(written.lstrip("0.").replace(".", "")) <= 15:
        assert shown.rstrip("0").rstrip(".") == written.rstrip("0").rstrip(".")


@pytest.mark.parametrize(
    ("found", "written"),
    [(1e-08, "0.00000001"), (1e22, "10000000000000000000000"), (5, "5"), ("1.50", "1.50"), ("1e-3", "0.001"),
     (None, None), (True, None), (float("nan"), None), (float("inf"), None), ("x", None), ([], None)],
)  # fmt: skip
def test_numbers(found: object, written: str | None) -> None:
    assert text(found) == written


def test_what_is_no_number_is_refused_where_one_is_needed() -> None:
    assert number(0.5) == "0.5"
    with pytest.raises(TypeError, match="number"):
        number(None)


def test_structures_and_their_parts() -> None:
    row = {"fee": {"cost": 1}, "id": "7"}
    assert structure(row) is row
    assert (part(row, "fee"), part(row, "id"), part(row, "none")) == ({"cost": 1}, {}, {})
    with pytest.raises(TypeError, match="structure"):
        structure([row])


def test_times() -> None:
    assert [milliseconds(stamp) for stamp in (5, 5.9, None, "5")] == [5, 5, None, None]
