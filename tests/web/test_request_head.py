"""Heads: headers that may come once, targets in each form, and the form of a handshake."""

from __future__ import annotations

import pytest

from floorwire.auth.client_address import is_forwarded
from floorwire.web.handshake_form import bad_form, wants_websocket
from floorwire.web.request_head import ONCE, body_bytes, origin_form, repeated


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"/", b"/", None),
        (b"/a?b=http://c/d", b"/a?b=http://c/d", None),
        (b"*", b"*", None),
        (b"http://h", b"/", b"h"),
        (b"http://h/", b"/", b"h"),
        (b"HTTPS://h:1/a?b", b"/a?b", b"h:1"),
        (b"ws://h?b/c", b"/?b/c", b"h"),
        (b"wss://u@h/ws", b"/ws", b"u@h"),
        (b"http:///a", b"/a", b""),
        (b"ftp://h/a", b"/a", b"h"),
        (b"x1://h/a", b"x1://h/a", None),
    ],
)
def test_a_target_names_a_path_and_perhaps_a_host(target: bytes, path: bytes, host: bytes | None) -> None:
    assert origin_form(target) == (path, host)


def test_what_may_come_once() -> None:
    for name in ONCE:
        assert repeated([(name, b"a"), (b"x", b"b"), (name, b"a")]) == name.decode()
        assert repeated([(name, b"a"), (b"x", b"b"), (b"x", b"a")]) is None
    assert repeated([(b"x-forwarded-for", b"a"), (b"x-forwarded-for", b"b")]) is None


@pytest.mark.parametrize(
    ("names", "is_so"),
    [
        ([b"host", b"accept"], False),
        ([b"host", b"x-forwarded-for"], True),
        ([b"x-forwarded-anything"], True),
        ([b"forwarded"], True),
        ([b"via", b"host"], True),
        ([b"x-real-ip"], True),
        ([b"x_real_ip"], True),
        ([b"x_forwarded_for"], True),
        ([b"x-original-forwarded-for"], True),
        ([b"x-azure-clientip"], True),
        ([b"x-forward"], True),
        ([b"proxy-client-ip"], True),
        ([b"x-proxy-user-ip"], True),
        ([b"x-original-for"], True),
        ([b"x-original-host"], True),
        ([b"x-arr-log-id"], True),
        ([b"x-forwarder-for"], True),
        ([b"cloudfront-viewer-address"], True),
        ([b"ali-cdn-real-ip"], True),
        ([b"incap-client-ip"], True),
        ([b"x-sucuri-clientip"], True),
        ([b"remote_addr"], True),
        ([b"x-coming-from"], True),
        ([b"max-forwards"], False),
        ([b"x-zip", b"x-requested-with", b"x-trip", b"sec-fetch-site", b"origin", b"referer"], False),
        ([], False),
    ],
)
def test_whether_a_proxy_passed_it_on(names: list[bytes], is_so: bool) -> None:
    assert is_forwarded(names) is is_so


def test_how_long_a_body_is() -> None:
    assert body_bytes([(b"content-length", b"12")]) == 12
    assert body_bytes([(b"content-length", b"")]) == 0
    assert body_bytes([(b"transfer-encoding", b"chunked"), (b"content-length", b"12")]) == 0
    assert body_bytes([]) == 0


GOOD = {
    b"host": b"x",
    b"upgrade": b"websocket",
    b"connection": b"upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": b"AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, None),
        ({b"content-length": b"0"}, None),
        ({b"content-length": b"1"}, "handshake_with_body"),
        ({b"transfer-encoding": b"chunked"}, "handshake_with_body"),
        ({b"sec-websocket-version": b"8"}, "bad_version"),
        ({b"sec-websocket-version": b"13, 8"}, "bad_version"),
        ({b"sec-websocket-key": b""}, "bad_key"),
        ({b"sec-websocket-key": b"A" * 22}, "bad_key"),
        ({b"sec-websocket-key": b"A" * 24}, "bad_key"),
        ({b"sec-websocket-key": b"AAAAAAAAAAAAAAAAAAAAA\xff=="}, "bad_key"),
    ],
)
def test_the_form_of_a_handshake(changed: dict[bytes, bytes], outcome: str | None) -> None:
    refusal = bad_form("1.1", list({**GOOD, **changed}.items()))
    assert (refusal and refusal.outcome) == outcome


def test_a_handshake_needs_a_host_and_http_1_1() -> None:
    headers = list(GOOD.items())
    for version in ("1.0", "0.9", "2.0"):
        refusal = bad_form(version, headers)
        assert refusal is not None
        assert refusal.outcome == "old_http"
    refusal = bad_form("1.1", headers[1:])
    assert refusal is not None
    assert refusal.outcome == "no_host"


@pytest.mark.parametrize(
    ("upgrade", "connection", "is_so"),
    [
        ([b"websocket"], [b"Upgrade"], True),
        ([b"h2c, WebSocket"], [b"keep-alive, Upgrade"], True),
        ([b"h2c", b"websocket"], [b"keep-alive", b"upgrade"], True),
        ([b"h2c"], [b"upgrade"], False),
        ([b"websocket2"], [b"upgrade"], False),
        ([b"websocket"], [b"keep-alive"], False),
        ([], [b"upgrade"], False),
    ],
)
def test_whether_a_websocket_is_asked_for(upgrade: list[bytes], connection: list[bytes], is_so: bool) -> None:
    headers = [(b"upgrade", value) for value in upgrade] + [(b"connection", value) for value in connection]
    assert wants_websocket(headers) is is_so
