"""Keeps credentials out of recordings: signatures, keys and tokens in addresses and in what we send."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

SECRET_PARAMETERS = frozenset(
    ("apikey", "api_key", "signature", "sign", "listenkey", "token", "jwt", "passphrase", "key", "secret")
)
"""Parameters of an address, in lower case, whose values are left out."""
SECRET_FIELDS = re.compile(
    r'"(?:api_?key|signature|sign|listen_?key|token|jwt|passphrase|secret|login|auth)"|"(?:op|event|method)"\s*:\s*'
    r'"(?:auth|login)',
    re.IGNORECASE,
)
"""A message that has one of these fields signs in, or is signed."""
HIDDEN = "hidden"


def without_secrets(url: str) -> str:
    """Return the address without user name and password, and with secret parameters hidden."""
    try:
        parts = urlsplit(url)
        parameters = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return ""
    netloc = parts.netloc.rpartition("@")[2]
    if not any(name.lower() in SECRET_PARAMETERS for name, _ in parameters):
        return parts._replace(netloc=netloc).geturl()
    shown = [(name, HIDDEN if name.lower() in SECRET_PARAMETERS else value) for name, value in parameters]
    return parts._replace(netloc=netloc, query=urlencode(shown)).geturl()


def has_secret(text: str) -> bool:
    """Return whether a message that we send has a credential."""
    return SECRET_FIELDS.search(text) is not None
