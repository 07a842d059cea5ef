"""``floorwire serve``: uvicorn with our HTTP protocol, and a shutdown that drains."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from floorwire.app import Gateway
from floorwire.auth.origin_policy import refuse_to_listen
from floorwire.clock import Clock
from floorwire.config import Settings, SettingsError
from floorwire.connectors import venue_registry
from floorwire.connectors.venue_specs import specs
from floorwire.core.ports import Venue
from floorwire.ops import file_descriptors, logs, memory_allocator
from floorwire.ops.line_writer import LineWriter
from floorwire.storage import venue_credentials, worker_threads
from floorwire.web.announcement import announcement, as_json, as_text
from floorwire.web.app_factory import create_app
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.tcp_acceptor import BACKLOG, TcpAcceptor
from floorwire.web.tls_certificate import TlsCertificate, load

RECEIVE_BYTES = 65_536
"""Receive buffer asked of the kernel for one connection (Linux takes twice this). It bounds one read."""
RECEIVE_BYTES_TLS = 16_384
"""The same with TLS. A read is decrypted at once, and 40 connections with records of one byte held the event
loop for 264 ms with the larger buffer, and for 53 ms with this one (measured)."""
GC_THRESHOLD = (10_000, 20, 50)
"""Less frequent than Python's default, which took an eighth of the time of a reconnect storm.
Connections live long, and events leave no cycles."""

log = structlog.get_logger("floorwire.server")


class Server(uvicorn.Server):
    """uvicorn, but it drains its clients before it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        gateway: Gateway,
        certificate: TlsCertificate | None,
        file_threads: ThreadPoolExecutor,
        json: bool = False,
    ) -> None:
        """``json``: say as JSON where to connect."""
        super().__init__(config)
        self._json = json
        self._gateway = gateway
        self._certificate = certificate
        self._file_threads = file_threads
        self._accepting: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGHUP (a terminal is closed) end the server as SIGTERM does, and ignore these at the end.

        Under nohup SIGHUP is ignored, and stays so. SIGUSR1 and SIGUSR2 mean nothing here: tools that rotate
        logs send them to servers, and by default they would end the process at once. So would a second
        SIGTERM in the last moments of a process that has ended well: it would look like a failure.
        """
        ending = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            ending.append(signal.SIGHUP)
        for number in ending:
            signal.signal(number, self.handle_exit)
        for unused in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(unused, signal.SIG_IGN)
        try:
            yield
        finally:
            for number in ending:
                signal.signal(number, signal.SIG_IGN)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain. A second Ctrl+C ends the drain, and only a third one leaves out what follows it."""
        was_hurried = self._gateway.drain.is_hurried
        if self.should_exit and sig == signal.SIGINT:
            self._gateway.drain.is_hurried = True
        super().handle_exit(sig, frame)
        self.force_exit = self.force_exit and was_hurried

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print where to connect."""
        asyncio.get_running_loop().set_default_executor(self._file_threads)
        await super().startup([])
        if self.started and sockets:
            gc.collect()
            gc.freeze()  # Objects of the start stay: later collections skip them.
            gc.set_threshold(*GC_THRESHOLD)
            sockets[0].setblocking(False)
            sockets[0].listen(BACKLOG)  # before the address is printed
            self._accepting = asyncio.create_task(self._accept(sockets[0], self._certificate))
            _announce(sockets[0], self._gateway, json=self._json)

    async def _accept(self, listener: socket.socket, certificate: TlsCertificate | None) -> None:
        timeout_s = self._gateway.settings.limits.handshake_timeout_s
        async with asyncio.TaskGroup() as tasks:
            if certificate is not None:
                tasks.create_task(certificate.watch())
            tasks.create_task(TcpAcceptor(listener, certificate, timeout_s, self._http_protocol).run())

    def _http_protocol(self) -> HttpProtocol:
        return HttpProtocol(self._gateway, self.config, self.server_state, self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no new connections, drain, and stop."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        for listener in sockets or []:
            listener.close()
        await self._gateway.drain.run()
        await super().shutdown(sockets)


class FaultGuard:
    """The outermost ASGI app: logs what the app raises, now and then, where uvicorn logs each.

    Starlette has answered with 500 by then.
    """

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request. What ends the lifespan ends the server: it is raised."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            self._gateway.fault_log.add(error, self._gateway.clock.monotonic_us())


def run(settings: Settings, *, live_flag: bool = False, json: bool = False) -> None:
    """Serve the venues that the settings name. Raises SettingsError.

    ``live_flag``: the command line allows orders to real markets. ``json``: say as JSON where to connect.
    """
    file_descriptors.occupy_standard()
    log_writer = logs.configure(settings.log_level)
    venues = venue_registry.build(settings, live_flag=live_flag)
    venue_credentials.load_all(settings, os.environ)
    serve(settings, venues, log_writer=log_writer, json=json)


def serve(
    settings: Settings,
    venues: Sequence[Venue],
    clock: Clock | None = None,
    log_writer: LineWriter | None = None,
    json: bool = False,
) -> None:
    """Serve these venues until SIGTERM or SIGINT, which the process ignores from then on.

    ``clock``: a clock for tests. ``log_writer``: what writes the log, if its losses are to be counted.
    ``json``: as of ``run``.

    Raises SettingsError if the address cannot be used, or if listening there would not be safe.
    """
    memory_allocator.configure()
    file_descriptors.allow_most()
    certificate = load(settings.tls)
    gateway = Gateway(settings, venues, clock)
    gateway.stats.log_writer = log_writer
    reason = refuse_to_listen(
        settings.host, gateway.authenticator.has_keys, certificate is not None, settings.doors.behind_proxy
    )
    if reason is not None:
        raise SettingsError(reason)
    gateway.lock_data_folder()
    config = uvicorn.Config(
        FaultGuard(create_app(gateway), gateway),
        http=partial(HttpProtocol, gateway),  # type: ignore[arg-type]
        ws=PicowsUpgrade,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe any local client; see doors.trusted_proxies
        timeout_graceful_shutdown=3,
    )
    Server(config, gateway, certificate, _file_threads(), json).run([_listen(settings)])


def _file_threads() -> ThreadPoolExecutor:
    try:
        return worker_threads.start("files", worker_threads.FILE_THREADS)
    except OSError as error:
        raise SettingsError(str(error.strerror)) from None


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Backpressure: bounds what the kernel holds for a slow client. Accepted sockets inherit it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.outbox.kernel_bytes)
    listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES if settings.tls.cert is None else RECEIVE_BYTES_TLS
    )
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        other = "; choose another with --port, or FLOORWIRE_PORT" if error.errno == errno.EADDRINUSE else ""
        raise SettingsError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}{other}"
        ) from None
    return listener


def _announce(listener: socket.socket, gateway: Gateway, *, json: bool) -> None:
    host, port = listener.getsockname()[:2]
    demo = gateway.authenticator.demo
    open_at = announcement(
        host,
        port,
        is_secure=gateway.settings.tls.cert is not None,
        data=str(gateway.data_dir.folder),
        demo_account=None if demo is None else demo.account,
        is_live=any(spec.settings.orders == "live" for spec in specs(gateway.settings)),
    )
    # Who started it may not listen any more.
    LineWriter(sys.stdout).write(as_json(open_at) if json else as_text(open_at, sys.argv[0]))
