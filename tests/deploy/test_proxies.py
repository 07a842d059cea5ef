"""The samples for Caddy and nginx, in front of a server: the real ones of Debian, with real TLS."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import websockets

from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.deploy.debian_programs import DEPLOY, free_port, output_of, program, started
from tests.servers import Server, eventually
from tests.trading.trader import MONEY, SCOPES, key, serving
from tests.web import certificates

NAME = "desk.example"
CLIENT = "127.0.0.77"
"""Where our client connects from: what Floorwire has to see."""


class Proxied:
    """A server behind a proxy, and who may sign in."""

    def __init__(self, folder: Path, server: Server, port: int, cert: Path, trader: Issued) -> None:
        self.folder, self.server, self.port = folder, server, port
        self.trader = trader
        self._cert = cert

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """Ask for a page as a browser would, by the name that the certificate is for."""
        with httpx2.Client(transport=httpx2.HTTPTransport(verify=self.tls(), local_address=CLIENT)) as client:
            return client.get(
                f"https://127.0.0.1:{self.port}{path}",
                headers={"host": f"{NAME}:{self.port}", **headers},
                extensions={"sni_hostname": NAME},
            )

    def tls(self) -> ssl.SSLContext:
        """Return what trusts the proxy's certificate."""
        return ssl.create_default_context(cafile=str(self._cert))

    def connect(self, **headers: str) -> websockets.connect:
        """Open a WebSocket, signed in as the trader, from our own page."""
        return websockets.connect(
            f"wss://{NAME}:{self.port}/ws",
            host="127.0.0.1",
            local_addr=(CLIENT, 0),
            ssl=self.tls(),
            origin=websockets.Origin(f"https://{NAME}:{self.port}"),
            additional_headers={"Authorization": f"Bearer {self.trader.key}.{self.trader.secret}", **headers},
        )


def caddy(folder: Path, server: Server, port: int, cert: Path, certs_key: Path) -> tuple[str, ...]:
    """Return the command of a Caddy with our sample, on these ports and with this certificate."""
    text = (DEPLOY / "caddy" / "Caddyfile").read_text()
    text = replaced(text, "desk.example {", f"https://{NAME}:{port} {{\n\ttls {cert} {certs_key}")
    text = replaced(text, "127.0.0.1:8000", f"{server.host}:{server.port}")
    own = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    file = folder / "Caddyfile"
    file.write_text(own + text)
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    output_of(program("caddy"), "validate", "--config", str(file), environment=environment)
    return (program("caddy"), "run", "--config", str(file))


def nginx(folder: Path, server: Server, port: int, cert: Path, certs_key: Path) -> tuple[str, ...]:
    """Return the command of an nginx with our sample, on these ports and with this certificate."""
    text = (DEPLOY / "nginx" / "floorwire.conf").read_text()
    text = replaced(text, "server 127.0.0.1:8000;", f"server {server.host}:{server.port};")
    text = replaced(text, "listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = replaced(text, "listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
    text = replaced(text, "    listen [::]:80;\n", "")
    text = replaced(text, "    listen [::]:443 ssl http2;\n", "")
    text = replaced(text, "/etc/letsencrypt/live/desk.example/fullchain.pem", str(cert))
    text = replaced(text, "/etc/letsencrypt/live/desk.example/privkey.pem", str(certs_key))
    text = replaced(text, "/var/log/nginx/floorwire.log", str(folder / "access.log"))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    main = f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
    main += f"http {{\naccess_log off;\n{paths}\n{text}\n}}\n"
    file = folder / "nginx.conf"
    file.write_text(f"user root;\n{main}" if os.geteuid() == 0 else main)
    command = (program("nginx"), "-c", str(file), "-p", str(folder), "-e", "stderr")
    output_of(*command, "-t")
    return command


def replaced(text: str, ours: str, theirs: str) -> str:
    """Return the sample with one place changed, which it has to have once."""
    assert text.count(ours) == 1, ours
    return text.replace(ours, theirs)


@contextmanager
def proxied(kind: str, folder: Path) -> Iterator[Proxied]:
    """Run a server with the settings of deploy/floorwire.toml, and a proxy in front of it."""
    data = folder / "data"
    trader = key(data, "alice", SCOPES, MONEY)
    settings = folder / "floorwire.toml"
    shutil.copy(DEPLOY / "floorwire.toml", settings)
    cert, certs_key = certificates.write(folder, NAME)
    port = free_port()
    with serving(data, "--config", str(settings)) as server:
        made = caddy if kind == "caddy" else nginx
        command = made(folder, server, port, cert, certs_key)
        environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with started(*command, log=folder / "log", environment=environment):
            assert eventually(lambda: answers(port)), (folder / "log").read_text()
            yield Proxied(folder, server, port, cert, trader)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module", params=["caddy", "nginx"])
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    program(request.param)
    with proxied(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


def test_the_page_and_its_files_come_through(proxy: Proxied) -> None:
    page = proxy.get("/")
    assert page.status_code == 200
    assert "Floorwire" in page.text
    assert proxy.get("/static/app.js").status_code == 200
    assert proxy.get("/health").json() == {"status": "ok"}


def test_metrics_do_not(proxy: Proxied) -> None:
    issued = key(proxy.folder / "data", "prometheus", (Scope.MONITOR,), {})
    shown = f"Bearer {issued.key}.{issued.secret}"
    assert proxy.get("/metrics", Authorization=shown).status_code == 404
    direct = httpx2.get(proxy.server.http("/metrics"), headers={"authorization": shown}, timeout=None)
    assert direct.status_code == 200


def test_prices_need_a_key(proxy: Proxied) -> None:
    assert proxy.get("/api/v1/ticker?symbol=BTC-USDT").status_code == 401


async def test_a_bot_trades_over_the_websocket(proxy: Proxied) -> None:
    async with proxy.connect() as ws:
        await ws.send(json.dumps({"action": "subscribe", "channel": "ticker", "symbol": "BTC-USDT"}))
        assert json.loads(await ws.recv())["status"] == "subscribed"
        price = json.loads(await ws.recv())
        assert float(price["bid"]) < float(price["ask"])


def test_whose_a_request_is_does_not_depend_on_what_the_client_writes(proxy: Proxied) -> None:
    """A wrong key is refused, and the audit log has the address that the proxy saw."""
    forged = {"Authorization": f"Bearer {proxy.trader.key}.{'0' * 43}", "X-Forwarded-For": "203.0.113.9"}
    assert proxy.get("/api/v1/orders", **forged).status_code == 401
    audit = proxy.folder / "data" / "audit.jsonl"
    assert eventually(lambda: CLIENT in audit.read_text())
    assert "203.0.113.9" not in audit.read_text()


def test_a_page_of_another_site_is_refused(proxy: Proxied) -> None:
    refused = proxy.get(
        "/ws", Origin="https://elsewhere.example", Connection="Upgrade", Upgrade="websocket",
        **{"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    )  # fmt: skip
    assert refused.status_code == 403
