"""A recording: the files of one recorded session, and the exchange whose adapter can play them.

recording_files.py says which files they are, and knows what may be in them. HTTP answers are read at the
start, frames while they are played.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from heapq import merge
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from floorwire import venues
from floorwire.connectors import frame_shapes
from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter, SkippedLines
from floorwire.connectors.recording_files import (
    RecordingError,
    RecordingFiles,
    files_with,
    folder_files,
    read_lines,
)
from floorwire.connectors.replaced_links import one_after_the_other
from floorwire.connectors.table_recording import TableRecording, table_files
from floorwire.core.capabilities import Capabilities
from floorwire.core.ports import Closed, Frame, Opened
from floorwire.venues.coarser_steps import CoarserSteps, Factors, ObservedSteps
from floorwire.venues.common.backoff import Jitter, no_jitter
from floorwire.venues.common.links import STALE_US
from floorwire.venues.common.rate_limits import Allowance, RateLimits
from floorwire.venues.recorded_answers import RecordedAnswer
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.recorded_round import Adapter, RecordedRound, RecordedSession
from floorwire.venues.replay import Replay

MAX_OBSERVED = 1_000_000
"""A longer recording without a list of instruments is played at eight decimals."""


class MakeAdapter(Protocol):
    """The ``venue`` of an adapter's module: makes the adapter."""

    @property
    def allowances(self) -> Mapping[str, Allowance]:
        """What the exchange allows an address."""
        ...

    def __call__(
        self,
        symbols: Sequence[str] = (),
        prefix: str = "",
        *,
        recorded: bool = False,
        stale_us: int = STALE_US,
        limits: RateLimits | None = None,
        jitter: Jitter = no_jitter,
    ) -> Adapter: ...


class NameSymbols(Protocol):
    """The ``requested_symbols`` function of an adapter's module. Raises ValueError."""

    def __call__(self, text: str) -> Sequence[str]: ...


class ExchangeAdapter(NamedTuple):
    """What the module of an exchange's adapter in ``venues`` offers."""

    hosts: frozenset[str]
    venue: MakeAdapter
    requested_symbols: NameSymbols
    capabilities: Capabilities


def exchanges() -> dict[str, ExchangeAdapter]:
    """Return the exchanges by name: every package of ``venues`` that has a module ``market_data``."""
    found: dict[str, ExchangeAdapter] = {}
    for module in iter_modules(venues.__path__):
        name = f"{venues.__name__}.{module.name}.market_data"
        if module.ispkg and find_spec(name) is not None:
            exchange = import_module(name)
            found[module.name] = ExchangeAdapter(
                exchange.HOSTS, exchange.venue, exchange.requested_symbols, _capabilities(module.name)
            )
    return found


def _capabilities(exchange: str) -> Capabilities:
    """Return what the exchange's package says of itself; nothing where it does not."""
    name = f"{venues.__name__}.{exchange}.limits"
    if find_spec(name) is None:
        return Capabilities(exchange)
    found: Capabilities = import_module(name).CAPABILITIES
    return found


class Recording:
    """A recorded session that can be played. ``skipped`` says which lines could not be read."""

    def __init__(self, path: Path, files: RecordingFiles, adapter: str | None) -> None:
        """Read all files once. Raises RecordingError where no adapter fits, and OSError."""
        self._files = files
        self._skipped_lines = SkippedLineCounter()
        self._answers: list[RecordedAnswer] = []
        self._hosts: dict[str, None] = {}
        self._requests: dict[str, None] = {}
        self._named: str | None = None
        """The exchange that the recorder named."""
        self._shapes: Counter[str] = Counter()
        """How many of the first frames have the shape of each exchange's."""
        self.frames = 0
        """How many frames the exchange sent on all WebSockets."""
        self.first_us = self.last_us = 0
        """When the first WebSocket opened, and the last frame came."""
        for file in files.answers:
            for line in read_lines(file, self._skipped_lines):
                if line.mark == "->":
                    self._index(line)
        for file in (file for parts in files.sockets.values() for file in parts):
            for line in read_lines(file, self._skipped_lines):
                self._index(line)
        self.answers: Sequence[RecordedAnswer] = sorted(self._answers, key=attrgetter("at_us"))
        self.adapter = self._adapter(path, adapter)
        """The name of the exchange."""
        self.symbols = tuple(dict.fromkeys(self._symbols(exchanges()[self.adapter])))
        """The symbols that the recorded client subscribed to or fetched, as the exchange names them."""
        self.skipped: tuple[SkippedLines, ...] = self._skipped_lines.all()

    @property
    def capabilities(self) -> Capabilities:
        """What the exchange gives."""
        return exchanges()[self.adapter].capabilities

    def make_adapter(self, prefix: str, stale_us: int) -> Adapter:
        """Return a new adapter of the exchange. ``prefix`` goes before each symbol.

        Without a list of instruments, ticks and lots are the coarsest in which all can be told.
        """
        adapter = exchanges()[self.adapter].venue(
            self.symbols, prefix, recorded=True, stale_us=stale_us, jitter=no_wait
        )
        factors = {prefix + symbol: found for symbol, found in self._factors.items()}
        return CoarserSteps(adapter, factors) if factors else adapter

    @cached_property
    def _factors(self) -> Mapping[str, Factors]:
        """By symbol: how much coarser its steps are than those of eight decimals. None with a list."""
        if self.frames > MAX_OBSERVED:
            return {}
        adapter = exchanges()[self.adapter].venue(self.symbols, recorded=True, jitter=no_wait)
        playing, observed = RecordedRound(adapter, self), ObservedSteps()
        playing.start()
        if not playing.skipped["no_answer"]:  # what an adapter requests first is the list
            return {}
        while (at_us := playing.next_us()) is not None:
            for output in playing.step(at_us):
                observed.observe(output)
        return observed.factors()

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield what happened on all WebSockets, in order of time."""
        return merge(
            *(
                one_after_the_other(_socket_inputs(link, parts))
                for link, parts in self._files.sockets.items()
            ),
            key=attrgetter("at_us"),
        )

    def _index(self, line: RecordedLine) -> None:
        match line.mark:
            case "->":
                self._answers.append(RecordedAnswer(line.at_us, line.url, line.text))
            case "#":
                self._named = line.text.decode("utf-8", "replace")
            case "<->":
                self._requests[line.url] = None
            case "<-":
                self._requests[line.text.decode("utf-8", "replace")] = None
            case "":
                self.frames += 1
                if self.frames <= frame_shapes.MAX_FRAMES and (shape := frame_shapes.exchange_of(line.text)):
                    self._shapes[shape] += 1
        if line.mark in ("", "<->"):
            self.first_us = min(self.first_us or line.at_us, line.at_us)
            self.last_us = max(self.last_us, line.at_us)
        if line.url:
            self._hosts[_host(line.url)] = None

    def _adapter(self, path: Path, adapter: str | None) -> str:
        known = exchanges()
        if adapter is not None and adapter not in known:
            raise RecordingError(path, f"there is no adapter {adapter!r}, only {', '.join(known)}")
        names = [name for name, exchange in known.items() if exchange.hosts & self._hosts.keys()]
        if self._named in known:
            names = [str(self._named)]
        if adapter is None and not names:
            names = [name for name, _ in self._shapes.most_common(1)]
        if adapter is None and not names:
            raise RecordingError(path, f"names no address of {', '.join(known)}: say which, adapter=NAME")
        if adapter is not None and names and adapter not in names:
            raise RecordingError(path, f"is of {', '.join(names)}, not of {adapter}")
        return adapter or names[0]

    def _symbols(self, exchange: ExchangeAdapter) -> Iterator[str]:
        for text in self._requests:
            with suppress(ValueError, RecursionError):
                yield from exchange.requested_symbols(text)


class Playable(RecordedSession, Protocol):
    """A recording of any kind, and what plays it."""

    adapter: str
    """The name of the exchange."""
    frames: int
    """How many messages it has."""
    symbols: tuple[str, ...]
    skipped: tuple[SkippedLines, ...]
    """The lines that could not be read."""
    first_us: int
    last_us: int
    """The times of the first and the last that happened on a WebSocket."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can show."""
        ...

    def make_adapter(self, prefix: str, stale_us: int) -> Adapter:
        """Return a new adapter that plays it. ``prefix`` goes before each symbol."""
        ...


def read(path: Path, adapter: str | None = None) -> Playable:
    """Return the recording in a folder, or the one that a file belongs to.

    A WebSocket's file plays that WebSocket alone; a folder or a file with HTTP answers plays all of them.
    ``adapter`` names the exchange; None: the one whose address was recorded. Raises RecordingError, OSError.
    """
    tables = table_files(path)
    if tables:
        return TableRecording(path, tables)
    files = folder_files(path) if path.is_dir() else files_with(path)
    return Recording(path, files, adapter)


def replay(
    recording: Playable,
    prefix: str = "",
    speed: float | None = 1.0,
    *,
    loop: bool = False,
    stale_us: int = STALE_US,
) -> Replay:
    """Return the venue that plays the recording.

    ``prefix`` goes before each symbol. ``speed`` 2.0 plays twice as fast, None without waiting. After
    ``stale_us`` of silence, in recorded time, what a link sent is stale. Raises SpeedError.
    """
    span_us = recording.first_us, recording.last_us
    return Replay(
        lambda: recording.make_adapter(prefix, stale_us), recording, speed, loop=loop, span_us=span_us
    )


def no_wait() -> float:
    """Return 0: no wait before a try. The recording decides when links were up and requests were answered."""
    return 0.0


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _socket_inputs(name: str, parts: Iterable[Path]) -> Iterator[RecordedInput]:
    """Yield what happened on the WebSockets of some files. ``name`` is the link where a line names none.

    An open line while it is open means that it was lost before. Where the first open line is missing, the
    WebSocket opens with its first frame.
    """
    at_us = 0
    opened: set[str] = set()
    with suppress(OSError):  # the file may go away while it is played; what was read stays played
        for line in (line for file in parts for line in read_lines(file, SkippedLineCounter())):
            at_us = max(at_us, line.at_us)
            link = line.link or name
            if line.mark == "<->":
                if link in opened:
                    yield RecordedInput(at_us, Closed(link, "reconnected"))
                yield RecordedInput(at_us, Opened(link))
                opened.add(link)
            elif line.mark == "<x":
                for closed in sorted(opened & {line.link} if line.link else opened):
                    yield RecordedInput(at_us, Closed(closed, line.text.decode("utf-8", "replace")))
                    opened.discard(closed)
            elif not line.mark:
                if link not in opened:
                    yield RecordedInput(at_us, Opened(link))
                    opened.add(link)
                yield RecordedInput(at_us, Frame(link, line.text))
