"""Dry run: a signed request as text, without what would make it usable by somebody else."""

from __future__ import annotations

import re
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from floorwire.core.credentials import VenueCredentials
from floorwire.core.ports import Fetch, Send

MASK = "***"
_PRIVATE = re.compile(
    r"sign|secret|pass|token|authorization|api[-_]?key|access[-_]?key|jwt|otp", re.IGNORECASE
)
"""Names of headers, parameters and fields whose values are masked."""
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | int | float | bool | None"


def shown(effect: Fetch | Send, credentials: VenueCredentials) -> dict[str, str]:
    """Return what to show of a request or of a message on a link."""
    if isinstance(effect, Send):
        return {"link": effect.link, "text": _text(effect.text, credentials)}
    parts = urlsplit(effect.url)
    return {
        "method": effect.method,
        "url": _hidden(parts._replace(query=_query(parts.query)).geturl(), credentials),
        "headers": _hidden(
            " ".join(f"{name}={MASK if _PRIVATE.search(name) else value}" for name, value in effect.headers),
            credentials,
        ),
        "body": _text(effect.body.decode("utf-8", "replace"), credentials),
    }


def _text(text: str, credentials: VenueCredentials) -> str:
    """Return a body or a message: JSON, or parameters as in a query."""
    try:
        masked = msgspec.json.encode(_masked(msgspec.json.decode(text))).decode()
    except msgspec.DecodeError:
        masked = _query(text)
    return _hidden(masked, credentials)


def _masked(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {name: MASK if _PRIVATE.search(name) else _masked(value) for name, value in tree.items()}
    return [_masked(value) for value in tree] if isinstance(tree, list) else tree


def _query(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(name, MASK if _PRIVATE.search(name) else value) for name, value in pairs], safe="*:-/")


def _hidden(text: str, credentials: VenueCredentials) -> str:
    """Return the text without the credentials, wherever they stand in it."""
    secrets = [credentials.key, credentials.secret.reveal()]
    if credentials.passphrase is not None:
        secrets.append(credentials.passphrase.reveal())
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    return text
