"""What the system's errors are called, also below those of libraries."""

from __future__ import annotations

from floorwire.core.os_errors import reason, root


def raised(below: BaseException) -> Exception:
    """Return an error as a library for HTTP raises it."""
    try:
        try:
            raise OSError("All connection attempts failed") from below
        except OSError as error:
            raise RuntimeError(error) from error
    except RuntimeError as error:
        return error


def test_the_root_is_the_systems_own_error() -> None:
    refused = ConnectionRefusedError(111, "Connect call failed")
    for below in (refused, ExceptionGroup("several", [refused, OSError(1, "other")])):
        found = root(raised(below))
        assert found is refused
    assert reason(refused) == "nothing listens there"
    assert root(ValueError("no system here")) is None
