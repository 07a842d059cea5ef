"""Binding: where a server may listen without being insecure by accident."""

from __future__ import annotations

from floorwire.auth.client_address import is_loopback


def objection(host: str, has_keys: bool, has_tls: bool, behind_proxy: bool) -> str | None:
    """Return in a sentence why the server must not listen there, or None: it may."""
    if is_loopback(host):
        return None
    lacks = []
    if not has_keys:
        lacks.append("there are no keys (floorwire keys create --account NAME --scopes market)")
    if not has_tls and not behind_proxy:
        lacks.append(
            "secrets would travel in the clear (give --tls-cert and --tls-key, "
            "or --behind-proxy where a proxy in front does TLS)"
        )
    if not lacks:
        return None
    return f"will not listen on {host or 'every address'}, where others can reach it: " + "; ".join(lacks)
