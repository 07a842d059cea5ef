"""The pages of the error codes and of the close codes."""

from __future__ import annotations

from docsite.markdown import WRITTEN, table
from floorwire.core.codes import CloseCode, Code
from floorwire.web.http_responses import status_of

ERRORS = """\
# Error codes

{written} An error has one of these as its `code`.
[The protocol](../protocol.md#errors) shows the whole message.
`retry`: whether the same request may work later. HTTP: the status of the same error over HTTP.

"""
CLOSE_CODES = """\
# Close codes

{written} The gateway closes a WebSocket with one of these, and a client sees 1005 and 1006.
[The protocol](../protocol.md#liveness-and-close-codes) says when a connection is closed.

"""


def errors_page() -> str:
    """Return the page of the error codes."""
    rows = (
        (f"`{code.value}`", "yes" if code.retry else "no", str(status_of(code)), code.meaning)
        for code in Code
    )
    return _head(ERRORS) + table(("code", "retry", "HTTP", "meaning"), rows)


def close_codes_page() -> str:
    """Return the page of the close codes."""
    rows = ((str(code.value), _then(code), code.meaning) for code in CloseCode)
    return _head(CLOSE_CODES) + table(("code", "then", "meaning"), rows)


def _head(text: str) -> str:
    return text.format(written=WRITTEN.format(source="`core/codes.py`"))


def _then(code: CloseCode) -> str:
    if code >= 4500:
        return "change something first"
    return "reconnect, with backoff" if code >= 4000 or code in _COME_BACK else ""


_COME_BACK = (CloseCode.GOING_AWAY, CloseCode.ABNORMAL, CloseCode.INTERNAL, CloseCode.RESTART)
