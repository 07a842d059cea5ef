from __future__ import annotations

from ipaddress import ip_network

import pytest

from floorwire.auth.origin_policy import OriginPolicy

HOME = OriginPolicy(is_local=True, origins=frozenset(), proxies=())
AWAY = OriginPolicy(
    is_local=False, origins=frozenset({"https://desk.example"}), proxies=(ip_network("10.0.0.0/8"),)
)


@pytest.mark.parametrize(
    ("ours", "is_local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("testserver", True),
        ("", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_under_somebody_elses_server_each_connection_says_whether_it_is_at_home(
    ours: str, is_local: bool
) -> None:
    assert HOME.is_local_at(ours) is is_local
    assert not AWAY.is_local_at(ours)


def test_proxies() -> None:
    assert not HOME.is_proxy("10.0.0.1")
    assert AWAY.is_proxy("10.0.0.1")
    assert not AWAY.is_proxy("192.0.2.1")
    assert HOME.client("10.0.0.1", ["192.0.2.9"]) == "10.0.0.1"
    assert AWAY.client("10.0.0.1", ["192.0.2.9"]) == "192.0.2.9"


def test_pages() -> None:
    assert HOME.allows("http://localhost:8000", "localhost:8000", "http")
    assert not HOME.allows("https://gw.example", "gw.example", "https")
    assert AWAY.allows("https://gw.example", "gw.example", "https")
    assert not AWAY.allows("http://gw.example", "gw.example", "https")
    assert AWAY.allows("https://desk.example", "gw.example", "https")
    assert not AWAY.allows("https://evil.example", "gw.example", "https")


BEHIND = OriginPolicy(is_local=False, origins=frozenset(), proxies=(), has_tls_in_front=True)


@pytest.mark.parametrize(
    ("origin_policy", "peer", "own", "forwarded_proto", "scheme"),
    [
        (HOME, "127.0.0.1", "http", [], "http"),
        (HOME, "127.0.0.1", "https", [], "https"),
        (HOME, "127.0.0.1", "ws", ["https"], "http"),
        (AWAY, "192.0.2.1", "wss", ["http"], "https"),
        (AWAY, "192.0.2.1", "http", ["https"], "http"),
        (AWAY, "10.0.0.1", "http", ["https"], "https"),
        (AWAY, "10.0.0.1", "https", ["http"], "http"),
        (AWAY, "10.0.0.1", "http", ["https, http"], "http"),
        (AWAY, "10.0.0.1", "http", ["http", "WSS"], "https"),
        (AWAY, "10.0.0.1", "http", [], "https"),
        (AWAY, "10.0.0.1", "http", ["gopher"], "https"),
        (BEHIND, "10.0.0.1", "http", ["http"], "https"),
    ],
)
def test_the_scheme_is_that_of_the_connection_or_what_a_trusted_proxy_says(
    origin_policy: OriginPolicy, peer: str, own: str, forwarded_proto: list[str], scheme: str
) -> None:
    assert origin_policy.scheme(peer, own, forwarded_proto) == scheme


@pytest.mark.parametrize(
    ("origin_policy", "peer", "origin", "host", "ours"),
    [
        (HOME, "127.0.0.1", "http://127.0.0.1:8000", "127.0.0.1:8000", True),
        (HOME, "::1", "http://localhost:8000", "localhost:8000", True),
        (HOME, "127.0.0.1", None, "127.0.0.1:8000", False),
        (HOME, "127.0.0.1", "http://127.0.0.1:8001", "127.0.0.1:8000", False),
        (HOME, "192.0.2.1", "http://127.0.0.1:8000", "127.0.0.1:8000", False),
        (HOME, "127.0.0.1", "http://evil.example", "evil.example", False),
        (AWAY, "127.0.0.1", "http://127.0.0.1:8000", "127.0.0.1:8000", False),
    ],
)
def test_our_own_page_at_home(
    origin_policy: OriginPolicy, peer: str, origin: str | None, host: str, ours: bool
) -> None:
    assert origin_policy.is_local_page(peer, origin, host, "http") is ours
