"""Addresses, in each form in which people write them."""

from __future__ import annotations

import pytest

from floorwire.client.address import Address


@pytest.mark.parametrize(
    ("url", "socket_url", "api_url"),
    [
        ("ws://localhost:8000", "ws://localhost:8000/ws", "http://localhost:8000/api/v1"),
        ("http://localhost:8000/", "ws://localhost:8000/ws", "http://localhost:8000/api/v1"),
        ("wss://example.org/ws", "wss://example.org/ws", "https://example.org/api/v1"),
        ("https://example.org/prices", "wss://example.org/prices/ws", "https://example.org/prices/api/v1"),
        ("wss://example.org/prices/ws/", "wss://example.org/prices/ws", "https://example.org/prices/api/v1"),
        ("ws://[::1]:9", "ws://[::1]:9/ws", "http://[::1]:9/api/v1"),
    ],
)
def test_the_socket_and_the_api_of_an_address(url: str, socket_url: str, api_url: str) -> None:
    address = Address.parse(url)
    assert (address.socket_url, address.api_url) == (socket_url, api_url)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "ws://", "ws://x:99999", "nonsense"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Address.parse(url)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("10.0.0.1", False), ("example.org", False)],
)
def test_whether_it_is_this_machine(host: str, is_local: bool) -> None:
    assert Address.parse(f"ws://{host}:8000").is_local is is_local
