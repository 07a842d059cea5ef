from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import jwt
import pytest

from floorwire.access import token_issuer
from floorwire.access.token_issuer import TokenIssuer, connect
from floorwire.auth.jwt_tokens import BadTokenError, TokenKeysError
from floorwire.config import JwtSettings, SettingsError
from tests.auth.issuer import EC_KEY, SHARED, claims, jwks, signed
from tests.auth.parts import NOW
from tests.dripping_server import dripping

NAME = "https://issuer.example"
PUBLIC = jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "e"})


def settings(jwks: str | None = None) -> JwtSettings:
    return JwtSettings(issuer=NAME, audience="floorwire", jwks=jwks)


def link(made: TokenIssuer | None) -> TokenIssuer:
    assert made is not None
    return made


def checks(made: TokenIssuer) -> bool:
    try:
        made.tokens.verify(PUBLIC, NOW)
    except BadTokenError:
        return False
    return True


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)


class Host:
    """An HTTP server on loopback that answers with what the test says."""

    def __init__(self) -> None:
        self.status, self.body = 200, jwks()
        self.asked = 0
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked += 1
                self.send_response(host.status)
                if host.status == 302:
                    self.send_header("location", "/other")
                self.end_headers()
                self.wfile.write(host.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys?v=1"


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_no_issuer_no_link() -> None:
    assert connect(JwtSettings(), None) is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (JwtSettings(issuer=NAME), "audience"),
        (JwtSettings(jwks="keys.json"), "issuer and audience"),
        (JwtSettings(issuer=NAME, audience="floorwire"), "jwks or secret_file"),
        (settings(jwks="/nowhere/keys.json"), "nowhere"),
        (settings(jwks="http://issuer.example/keys"), "https"),
        (settings(jwks="file:///etc/passwd"), "https"),
        (settings(jwks="ftp://127.0.0.1/keys"), "https"),
    ],
)
def test_what_cannot_check_a_token_is_refused_at_start(given: JwtSettings, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        connect(given, None)


def test_keys_from_a_file(tmp_path: Path) -> None:
    made = link(connect(settings(jwks=write(tmp_path / "keys.json", jwks())), None))
    assert made.tokens.verify(PUBLIC, NOW)[0] == "jwt:alice"


def test_a_file_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="JWK"):
        connect(settings(jwks=write(tmp_path / "keys.json", b"{}")), None)


def test_a_shared_secret() -> None:
    assert link(connect(settings(), SHARED)).tokens.verify(signed(), NOW)[0] == "jwt:alice"
    with pytest.raises(SettingsError, match="32 bytes"):
        connect(settings(), b"short")


def test_keys_over_http_are_read_and_earlier_ones_stay_where_that_fails(host: Host) -> None:
    made = link(connect(settings(jwks=host.url), None))
    made.refresh()
    made.tokens.verify(PUBLIC, NOW)
    for status, body in ((500, b""), (302, b""), (200, b"{}")):
        host.status, host.body = status, body
        with pytest.raises(TokenKeysError):
            made.refresh()
    made.tokens.verify(PUBLIC, NOW)


async def test_keys_are_read_again_and_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_issuer, "REFRESH_S", 0.01)
    made = link(connect(settings(jwks=host.url), None))
    host.status = 500
    task = asyncio.create_task(made.run())
    while host.asked < 3:
        await asyncio.sleep(0.01)
    host.status = 200
    while not checks(made):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_key_set_there_is_nothing_to_read_again() -> None:
    await link(connect(settings(), SHARED)).run()


def test_keys_that_drip_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_issuer, "ANSWER_S", 0.2)
    with dripping() as port:
        made = link(connect(settings(f"http://127.0.0.1:{port}/keys"), None))
        with pytest.raises(TimeoutError):
            made.refresh()
