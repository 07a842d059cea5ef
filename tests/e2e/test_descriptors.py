"""File descriptors used up by strangers: orders, keys and the audit log go on."""

from __future__ import annotations

import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from floorwire.ops.file_descriptors import RESERVED
from tests.clients import RawClient
from tests.servers import STOPS_WITHIN_S, Server, eventually, running
from tests.trading.trader import FREE, Trader, key, serving, trader
from tests.web import certificates

IDLE = 30
ALLOWED = 64


def command(folder: Path, allowed: int, *args: str) -> list[str]:
    """Return the command of a server that may have so many descriptors open."""
    shell = ["/bin/sh", "-c", f'ulimit -n {allowed} && exec "$@"', "sh"]
    return [*shell, sys.executable, "-m", "floorwire", "serve", "--port", "0", "--data", str(folder), *args]


def idle(server: Server, stack: ExitStack, count: int) -> list[socket.socket]:
    """Connect so often, send nothing, and keep what was accepted."""
    held = []
    for _ in range(count):
        with suppress(OSError):
            held.append(stack.enter_context(socket.create_connection((server.host, server.port), 0.5)))
    return held


async def trades_on(client: Trader, name: str, count: int) -> None:
    for number in range(count):
        said = await client.place(f"{name}-{number}")
        assert said["status"] == "accepted", said
        assert (await client.ask("order.cancel", order_id=said["order_id"]))["status"] == "accepted"


async def test_idle_connections_do_not_break_the_journal(tmp_path: Path) -> None:
    """The first append needed a descriptor, and there was none: `unknown`, and all later ones `internal`."""
    issued = key(tmp_path)
    with serving(tmp_path) as server:
        assert eventually(lambda: "accounts read" in server.log)
    with running(command(tmp_path, ALLOWED, *FREE)) as server, ExitStack() as stack:
        assert "fewer connections than limits.connections" in server.log
        async with trader(server, issued) as client:
            idle(server, stack, IDLE)
            await trades_on(client, "first", 3)
            made = subprocess.run(
                [sys.executable, "-m", "floorwire", "keys", "list", "--data", str(tmp_path)],
                check=False,
                capture_output=True,
            )
            assert made.returncode == 0
            assert eventually(lambda: '"sign_in"' in (tmp_path / "audit.jsonl").read_text())
        assert "Traceback" not in server.log
        assert "internal" not in server.log
        assert "cannot be" not in server.log


@pytest.mark.slow
def test_connections_stay_below_the_limit(tmp_path: Path) -> None:
    with running(command(tmp_path, ALLOWED)) as server, ExitStack() as stack:
        idle(server, stack, IDLE)
        assert eventually(lambda: server.sockets() <= ALLOWED - RESERVED)
        assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < ALLOWED
        stack.close()
        assert eventually(lambda: is_served(server)), "they are counted down again"


def is_served(server: Server) -> bool:
    """Return whether a new client is taken. It is not before the server has seen that others left."""
    with suppress(OSError, EOFError), RawClient(server) as peer:
        return peer.handshake()[0] == 101
    return False


@pytest.mark.slow
def test_no_connection_waits_for_a_descriptor(tmp_path: Path) -> None:
    """The kernel had a queue as short as descriptors were few: each third one was sent again after 1 s."""
    with running(command(tmp_path, ALLOWED)) as server, ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection((server.host, server.port), 20))
            for _ in range(2 * (ALLOWED - RESERVED))
        ]
        assert [sent_again(one) for one in held] == [0] * len(held)


def sent_again(sock: socket.socket) -> int:
    """Return how many packets the kernel sent a second time (Linux: tcpi_total_retrans)."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[100:104], sys.byteorder)


@pytest.mark.parametrize("allowed", [RESERVED, pytest.param(RESERVED + 7, marks=pytest.mark.slow)])
def test_a_limit_that_is_too_low_is_said_at_the_start(tmp_path: Path, allowed: int) -> None:
    ended = subprocess.run(
        command(tmp_path, allowed), check=False, capture_output=True, text=True, timeout=STOPS_WITHIN_S
    )
    assert ended.returncode == 2
    assert f"open {allowed} files" in ended.stderr
    assert "raise `ulimit -n`" in ended.stderr


@contextmanager
def none_left(server: Server) -> Iterator[None]:
    """Let the server open no file and accept no connection."""
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
    used = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    lowest_free = next(number for number in range(highest + 2) if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


async def test_with_no_descriptor_left_orders_go_on_and_the_log_is_not_filled(tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path, *FREE) as server, ExitStack() as stack:
        async with trader(server, issued) as client:
            await trades_on(client, "before", 1)
            with none_left(server):
                idle(server, stack, IDLE)
                await trades_on(client, "without", 20)
            await trades_on(client, "after", 1)
        with RawClient(server) as peer:
            assert peer.handshake()[0] == 101
        assert "Traceback" not in server.log
        assert len(server.log.splitlines()) < 20


@pytest.mark.slow
def test_a_tls_server_with_no_descriptor_left_says_so_once(tmp_path: Path) -> None:
    certificate, private_key = certificates.write(tmp_path)
    args: Sequence[str] = ("--tls-cert", str(certificate), "--tls-key", str(private_key))
    (tmp_path / "data").mkdir(mode=0o700)
    with serving(tmp_path / "data", *args) as server, ExitStack() as stack:
        with none_left(server):
            idle(server, stack, 5)
            assert eventually(lambda: "no connection taken" in server.log)
        assert eventually(lambda: "connections are taken again" in server.log)
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False
        plain = stack.enter_context(socket.create_connection((server.host, server.port), 20))
        with context.wrap_socket(plain) as secure:
            secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(20).startswith(b"HTTP/1.1 200")
        assert server.log.count("no connection taken") == 1
