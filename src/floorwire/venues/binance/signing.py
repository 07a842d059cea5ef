"""What is signed of a request to Binance.

Source: github.com/binance/binance-spot-api-docs, rest-api.md and web-socket-api.md, "SIGNED request".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote

from floorwire.venues.common.secret_signer import Signer

Params: TypeAlias = Mapping[str, str | int | bool]


def signed(params: Params, signing: Signer) -> dict[str, str | int | bool]:
    """Return the parameters of a request of the WebSocket API, with its signature."""
    # All of them by name, as raw UTF-8. Only REST percent-encodes.
    payload = "&".join(f"{name}={_text(params[name])}" for name in sorted(params))
    return {**params, "signature": signing.sign(payload.encode())}


def signed_query(params: Params, signing: Signer) -> str:
    """Return the query of a REST request, with its signature."""
    # Values are percent-encoded before they are signed.
    query = "&".join(f"{name}={quote(_text(value), safe='')}" for name, value in params.items())
    return f"{query}&signature={quote(signing.sign(query.encode()), safe='')}"


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
