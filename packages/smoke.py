"""Does an installed Floorwire work? ``python smoke.py pure|compiled``, by the Python that has it.

It needs nothing but Floorwire, and leaves nothing behind. It ends with 0, or with what failed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin

from websockets.sync.client import connect

COMMAND = str(Path(sysconfig.get_path("scripts"), "floorwire"))
COMPILED = "compiled: core, engine, venues, block_writer, sendloop"
ORDER = {
    "action": "order.place",
    "id": 1,
    "client_order_id": "smoke",
    "symbol": "BTC-USDT",
    "side": "buy",
    "type": "limit",
    "quantity": "0.1",
    "price": "1000.0",
}
STARTS_WITHIN_S = 120
ANSWERS_WITHIN_S = 30
LINKED = re.compile(r"""(?:src|href)="([^"#:]+)"|^import .* from '(\.[^']+)'""", re.MULTILINE)
"""What a page or a module of ours names: files on the same server."""


def main(kind: str) -> None:
    """Try the command, the page, health, metrics, live prices and an order."""
    said = ran("--version")
    expected = COMPILED if kind == "compiled" else "compiled: nothing"
    check(said.startswith(f"floorwire {version('floorwire')}, Python ") and said.endswith(expected), said)
    with tempfile.TemporaryDirectory() as folder:
        secret = key(folder)
        with serving(folder) as url:
            files = page(url)
            check(json.loads(read(f"{url}/health")) == {"status": "ok"}, "/health")
            check(
                json.loads(read(f"{url}/openapi.json"))["info"]["version"] == version("floorwire"),
                "/openapi.json",
            )
            ticker(url)
            order(url, secret)
            check(b"\nfloorwire_open_orders 1.0\n" in read(f"{url}/metrics"), "/metrics")
    print(f"{said}; a page of {len(files)} files, a price and an order")


def key(folder: str) -> str:
    """Return what signs in as a trader with money."""
    scopes = ("--account", "alice", "--scopes", "market,account,trade", "--deposit", "USDT=1000000")
    issued = json.loads(ran("keys", "create", *scopes, "--data", folder, "--json"))
    return f"{issued['key']}.{issued['secret']}"


@contextmanager
def serving(folder: str) -> Iterator[str]:
    """Run a server, and stop it in the end as systemd does. Yields its address."""
    command = [COMMAND, "serve", "--port", "0", "--data", folder]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(STARTS_WITHIN_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        addresses = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
        found = next(filter(None, addresses), None)
        check(found is not None, "the server does not start")
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGTERM)
        check(process.wait(ANSWERS_WITHIN_S) == 0, "the server does not stop in order")
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def page(url: str) -> set[str]:
    """Return the addresses of the page's files, after each was read."""
    waiting, read_before = [f"{url}/"], set[str]()
    while waiting:
        address = waiting.pop()
        if address in read_before:
            continue
        read_before.add(address)
        text = read(address).decode()
        names = (next(filter(None, match.groups())) for match in LINKED.finditer(text))
        if address.endswith(("/", ".js")):
            waiting += [urljoin(address, name) for name in names]
    check(any(name.endswith(".js") for name in read_before), "the page names no scripts")
    check(any(name.endswith(".css") for name in read_before), "the page names no styles")
    return read_before


def ticker(url: str) -> None:
    """See a price of the simulated market."""
    with connect(f"{url.replace('http', 'ws', 1)}/ws/ticker") as socket:
        socket.send(json.dumps({"action": "subscribe", "symbol": "BTC-USDT"}))
        check(json.loads(socket.recv(ANSWERS_WITHIN_S))["status"] == "subscribed", "subscribe")
        price = json.loads(socket.recv(ANSWERS_WITHIN_S))
        check(0 < float(price["bid"]) < float(price["ask"]), f"no price: {price}")


def order(url: str, secret: str) -> None:
    """Place an order that rests, far below the market."""
    headers = {"Authorization": f"Bearer {secret}"}
    with connect(f"{url.replace('http', 'ws', 1)}/ws", additional_headers=headers) as socket:
        socket.send(json.dumps(ORDER))
        reply = json.loads(socket.recv(ANSWERS_WITHIN_S))
        check(reply["status"] == "accepted", f"no order: {reply}")


def ran(*arguments: str) -> str:
    """Return what the command prints."""
    run = subprocess.run([COMMAND, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout.strip()


def read(url: str) -> bytes:
    """Return what is at an address of the server."""
    with urllib.request.urlopen(url, timeout=ANSWERS_WITHIN_S) as answer:
        body: bytes = answer.read()
        return body


def check(is_so: bool, what: str) -> None:
    """End with what failed, unless it is so."""
    if not is_so:
        sys.exit(f"floorwire does not work: {what}")


if __name__ == "__main__":
    os.environ.pop("PURE_PYTHON", None)
    main(sys.argv[1])
