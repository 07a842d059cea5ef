from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.origin_policy import OriginError, is_allowed, is_loopback_host, is_own, normal_origin

LISTED = frozenset({"https://desk.example", "http://localhost:3000"})


@pytest.mark.parametrize(
    ("origin", "host", "loopback_only", "allowed"),
    [
        (None, "127.0.0.1:8000", True, True),  # no browser
        (None, None, False, True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True, True),
        ("http://localhost:8000", "localhost:8000", True, True),
        ("http://[::1]:8000", "[::1]:8000", True, True),
        ("http://localhost", "localhost", True, True),
        ("http://localhost", "localhost:80", True, True),
        ("https://gw.example", "gw.example", False, True),
        ("https://GW.example", "gw.EXAMPLE:443", False, True),
        ("https://desk.example", "gw.example", False, True),
        ("https://desk.example/", "gw.example", False, True),
        ("HTTPS://desk.example", "gw.example", False, True),
        ("http://localhost:3000", "127.0.0.1:8000", True, True),
        ("https://evil.example", "gw.example", False, False),
        ("http://localhost:8000", "127.0.0.1:8000", True, False),
        ("http://localhost:8001", "localhost:8000", True, False),
        ("https://desk.example.evil.example", "gw.example", False, False),
        ("https://desk.example:444", "gw.example", False, False),
        ("null", "127.0.0.1:8000", True, False),
        ("", "127.0.0.1:8000", True, False),
        ("", "", False, False),
        ("null", "null", False, False),
        ("file://", "gw.example", False, False),
        ("ftp://gw.example", "gw.example", False, False),
        ("https://gw.example@evil.example", "gw.example", False, False),
        ("https://evil.example/gw.example", "gw.example", False, False),
        ("http://[", "[", False, False),
        # no origins (RFC 6454 6.2), though urlsplit reads them as one
        ("http://localhost\t:8000", "localhost:8000", True, False),
        ("http://localhost:8000", "local\thost:8000", True, False),
        ("http://localhost:8000?", "localhost:8000", True, False),
        ("http://localhost:8000#", "localhost:8000", True, False),
        ("http://@localhost:8000", "localhost:8000", True, False),
        ("http://[::1]h", "[::1]", True, False),
        ("http://[::1]", "[::1]h", True, False),
        # DNS rebinding: the attacker's name points to 127.0.0.1, so Origin and Host agree
        ("http://evil.example:8000", "evil.example:8000", True, False),
        ("https://evil.example:8000", "evil.example:8000", False, True),
    ],
)
def test_origins(origin: str | None, host: str | None, loopback_only: bool, allowed: bool) -> None:
    """Where our pages are on the web, they come over TLS, and at home without."""
    scheme = "http" if loopback_only else "https"
    assert is_allowed(origin, host, scheme, LISTED, loopback_only) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "allowed"),
    [
        ("https://gw.example", "gw.example", "https", True),
        ("https://gw.example", "gw.example:443", "https", True),
        ("https://gw.example:443", "gw.example", "https", True),
        ("http://gw.example", "gw.example", "http", True),
        ("http://gw.example", "gw.example", "https", False),
        ("https://gw.example", "gw.example", "http", False),
        ("http://gw.example:443", "gw.example:443", "https", False),
        ("https://gw.example:80", "gw.example:80", "http", False),
        ("http://gw.example", "gw.example:443", "https", False),
        ("http://gw.example:08000", "gw.example:8000", "http", False),
        ("http://gw.example:8000", "gw.example:08000", "http", False),
        ("http://gw.example:08000", "gw.example:08000", "http", False),
        ("http://gw.example:", "gw.example", "http", False),
        ("http://gw.example:0", "gw.example:0", "http", False),
        ("http://gw.example", "gw.example/", "http", False),
        ("app://gw.example", "gw.example", "http", False),
    ],
)
def test_our_own_page_has_the_scheme_that_it_was_served_with(
    origin: str, host: str, scheme: str, allowed: bool
) -> None:
    assert is_allowed(origin, host, scheme, frozenset(), loopback_only=False) is allowed


@given(st.text(), st.none() | st.text())
def test_no_header_breaks_it(origin: str, host: str | None) -> None:
    allowed = is_allowed(origin, host, "http", frozenset(), loopback_only=True)
    assert not allowed or is_loopback_host(host)


def test_own() -> None:
    assert is_own("http://a:1", "a:1", "http")
    assert not is_own("http://a:1", None, "http")
    assert not is_own("http://a:99999", "a:99999", "http")


@pytest.mark.parametrize(
    ("host", "own"),
    [("localhost:8000", True), ("127.0.0.1", True), ("[::1]:8000", True), (None, False), ("", False),
     ("evil.example", False), ("localhost/..", False), ("127.0.0.1.evil.example:8000", False)],
)  # fmt: skip
def test_is_loopback_host(host: str | None, own: bool) -> None:
    assert is_loopback_host(host) is own


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://desk.example", "https://desk.example"),
        ("https://Desk.Example/", "https://desk.example"),
        ("HTTPS://desk.example:443", "https://desk.example"),
        ("http://desk.example:80/", "http://desk.example"),
        ("http://desk.example:443", "http://desk.example:443"),
        ("http://LOCALHOST:3000/", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_form(text: str, normal: str) -> None:
    assert normal_origin(text) == normal
    assert normal_origin(normal) == normal
    assert is_allowed(normal, "gw.example", "https", frozenset({normal_origin(text)}), loopback_only=False)


@pytest.mark.parametrize(
    "text",
    ["", "*", "null", "desk.example", "//desk.example", "https://", "https://*.example", "https://desk.example/app",
     "https://desk.example?x", "https://desk.example#x", "https://a@desk.example", "https://desk.example:x",
     "https://desk.example:99999", "https://b\u00fccher.example", "https://desk example", "https://desk.example\n",
     "https://desk.example//", "https://[", "https://a,https://b", "ftp://desk.example",
     "file://desk.example", "ws://desk.example", "https://desk.example:0443", "https://desk.example:0",
     "https://desk.example:"],
)  # fmt: skip
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(OriginError):
        normal_origin(text)
