from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.client_address import client_address, is_loopback, network_of, parse_network
from floorwire.core.authorization import is_within

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # not from a proxy: not believed
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.9"], "198.51.100.9"),  # the client's own claim is further left
        ("10.0.0.1", ["1.2.3.4", "198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.9:1234"], "198.51.100.9"),
        ("10.0.0.1", ["2001:db8::5"], "2001:db8::5"),
        ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
        ("fd00::1", ["198.51.100.9"], "198.51.100.9"),
        ("::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9, _hidden"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("local", ["198.51.100.9"], "local"),
    ],
)
def test_client_address(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert client_address("10.0.0.1", ["198.51.100.9"], ()) == "10.0.0.1"


@given(st.lists(st.text()), st.sampled_from(["10.0.0.1", "192.0.2.1"]))
def test_no_header_breaks_it(lines: list[str], peer: str) -> None:
    found = client_address(peer, lines, PROXIES)
    assert found == peer or peer == "10.0.0.1"


@given(st.lists(st.ip_addresses().map(str), max_size=5))
def test_what_a_client_writes_never_moves_it(lies: list[str]) -> None:
    honest = client_address("10.0.0.1", ["198.51.100.9"], PROXIES)
    assert client_address("10.0.0.1", [", ".join([*lies, "198.51.100.9"])], PROXIES) == honest


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.0.2.1", False),
        ("127.evil.example", False),
        ("localhost.evil.example", False),
    ],
)
def test_is_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_network_of() -> None:
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::") == "2001:db8:1:2::"
    assert network_of("2001:db8:1:3::") != network_of("2001:db8:1:2::")
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("local") == "local"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:7f00:1", "127.0.0.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ],
)
def test_a_mapped_network_is_its_ipv4_network(text: str, network: str) -> None:
    assert str(parse_network(text)) == network


def test_a_mapped_address_in_a_grant_or_among_the_proxies_matches() -> None:
    networks = (parse_network("::ffff:10.0.0.1"),)
    for peer in ("10.0.0.1", "::ffff:10.0.0.1"):
        assert is_within(peer, networks)
        assert client_address(peer, ["192.0.2.9"], networks) == "192.0.2.9"


@pytest.mark.parametrize("text", ["", "::ffff:", "::ffff:192.0.2.1/120", "192.0.2.1/24", "localhost"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"not appear to be|has host bits"):
        parse_network(text)
