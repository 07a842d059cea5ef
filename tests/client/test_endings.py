"""Close codes and refused handshakes mean what docs/protocol.md says."""

from __future__ import annotations

import pytest

from floorwire.client.endings import is_close_for_good, is_refusal_for_good, retry_after_s
from floorwire.core.codes import CloseCode


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_close_code_is_obeyed(code: CloseCode) -> None:
    assert is_close_for_good(code) is (code.value >= 4500)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 426])
def test_refusals_for_good(status: int) -> None:
    assert is_refusal_for_good(status)


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503])
def test_refusals_for_now(status: int) -> None:
    assert not is_refusal_for_good(status)


@pytest.mark.parametrize(
    ("header", "wait_s"), [(None, 0.0), ("3", 3.0), ("soon", 0.0), ("-1", 0.0), ("Wed, 21 Oct 2026", 0.0)]
)
def test_retry_after(header: str | None, wait_s: float) -> None:
    assert retry_after_s(header) == wait_s
