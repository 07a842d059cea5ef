"""A recording: the files of one recorded session, and the exchange whose adapter can play them.

VENUE.ws.N.0 is one WebSocket. VENUE.0 and VENUE.http.N.0 hold HTTP answers. The last number counts the files
of a rotation. Each name may end in ``.gz``. transcript.py describes what is in the files. HTTP answers are
read at the start, frames while they are played.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from heapq import merge
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from floorwire import venues
from floorwire.connectors.transcript import SkippedLineCounter, SkippedLines, TranscriptLine, read_transcript
from floorwire.core.capabilities import Capabilities
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Listing, Quote, Trade
from floorwire.core.ports import Closed, Frame, Opened, Wake, Woke
from floorwire.venues.common.backoff import Jitter, no_jitter
from floorwire.venues.common.links import STALE_US
from floorwire.venues.common.rate_limits import Allowance, RateLimits
from floorwire.venues.replay import Adapter, RecordedAnswer, RecordedInput, Replay

SOCKET_FILE = re.compile(r"(?P<venue>.+)\.ws\.(?P<number>[0-9]+)\.(?P<part>[0-9]+)")
ANSWER_FILE = re.compile(r"(?P<venue>.+?)(?:\.http\.(?P<number>[0-9]+))?\.(?P<part>[0-9]+)")

PREVIEW_MESSAGES = 100_000
"""At most so many messages are played in a preview, to see whether the adapter can show anything of them."""
SHOWN_EVENTS = (Trade, Quote, BookSnapshot, BookChange, DayStats, Candle)
"""A recording can be shown if it gives at least one of these."""


class RecordingError(ValueError):
    """A recording that cannot be played; ``path`` says which, ``reason`` why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


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
    name = f"{venues.__name__}.{exchange}.capabilities"
    if find_spec(name) is None:
        return Capabilities(exchange)
    found: Capabilities = import_module(name).CAPABILITIES
    return found


class RecordingFiles(NamedTuple):
    """The files of a session: for each WebSocket its files in order, and the files with HTTP answers."""

    sockets: dict[str, list[Path]]
    answers: list[Path]


class Recording:
    """A recorded session that can be played. ``skipped`` says which lines could not be read."""

    def __init__(self, path: Path, files: RecordingFiles, adapter: str | None) -> None:
        """Read all files once. Raises RecordingError where no adapter fits, and OSError."""
        self._files = files
        self._skipped_lines = SkippedLineCounter()
        self._answers: list[RecordedAnswer] = []
        self._hosts: dict[str, None] = {}
        self._requests: dict[str, None] = {}
        self.frames = 0
        """How many frames the exchange sent on all WebSockets."""
        for file in (*files.answers, *(file for parts in files.sockets.values() for file in parts)):
            for line in read_transcript(file, self._skipped_lines):
                self._index(line)
        self.answers: Sequence[RecordedAnswer] = sorted(self._answers, key=attrgetter("at_us"))
        self.adapter = self._adapter(path, adapter)
        """The name of the exchange."""
        self.symbols = tuple(dict.fromkeys(self._symbols(exchanges()[self.adapter])))
        """The symbols that the recorded client subscribed to or fetched, as the exchange names them."""
        self.skipped: tuple[SkippedLines, ...] = self._skipped_lines.all()

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield what happened on all WebSockets, in order of time."""
        return merge(
            *(_socket_inputs(link, parts) for link, parts in self._files.sockets.items()),
            key=attrgetter("at_us"),
        )

    def _index(self, line: TranscriptLine) -> None:
        match line.mark:
            case "->":
                self._answers.append(RecordedAnswer(line.at_us, line.url, line.text))
            case "<->":
                self._requests[line.url] = None
            case "<-":
                self._requests[line.text.decode("utf-8", "replace")] = None
            case _:
                self.frames += 1
        if line.url:
            self._hosts[_host(line.url)] = None

    def _adapter(self, path: Path, adapter: str | None) -> str:
        known = exchanges()
        if adapter is not None and adapter not in known:
            raise RecordingError(path, f"there is no adapter {adapter!r}, only {', '.join(known)}")
        names = [name for name, exchange in known.items() if exchange.hosts & self._hosts.keys()]
        if adapter is None and not names:
            raise RecordingError(path, f"names no address of {', '.join(known)}: say which, adapter=NAME")
        if adapter is not None and names and adapter not in names:
            raise RecordingError(path, f"is of {', '.join(names)}, not of {adapter}")
        return adapter or names[0]

    def _symbols(self, exchange: ExchangeAdapter) -> Iterator[str]:
        for text in self._requests:
            with suppress(ValueError, RecursionError):
                yield from exchange.requested_symbols(text)


def read(path: Path, adapter: str | None = None) -> Recording:
    """Return the recording in a folder, or the one that a file belongs to.

    A WebSocket's file plays that WebSocket alone; a folder or a file with HTTP answers plays all of them.
    ``adapter`` names the exchange; None: the one whose address was recorded. Raises RecordingError, OSError.
    """
    files = _folder_files(path) if path.is_dir() else _files_with(path)
    return Recording(path, files, adapter)


def replay(
    recording: Recording,
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
    exchange = exchanges()[recording.adapter]

    def make() -> Adapter:
        return exchange.venue(recording.symbols, prefix, recorded=True, stale_us=stale_us)

    return Replay(make, recording, speed, loop=loop)


class FirstMessages:
    """The first ``PREVIEW_MESSAGES`` messages of a recording, with all HTTP answers."""

    def __init__(self, recording: Recording) -> None:
        self.answers = recording.answers
        self.frames = 0
        """How many messages were played."""
        self._recording = recording

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield what happened on the WebSockets up to the last of these messages."""
        for recorded in self._recording.inputs():
            if isinstance(recorded.happened, Frame):
                if self.frames == PREVIEW_MESSAGES:
                    return
                self.frames += 1
            yield recorded


class Preview(NamedTuple):
    """What the adapter made of the beginning of a recording, up to the first event that can be shown."""

    frames: int
    """How many messages of the exchange were played."""
    is_shown: bool
    """Whether they gave one of ``SHOWN_EVENTS``."""
    skipped: Mapping[str, int]
    """How many messages and levels the adapter left out, by reason."""
    symbols: frozenset[str]
    """The instruments that were listed so far."""


def preview(recording: Recording) -> Preview:
    """Play the beginning without waiting, to see whether the adapter understands it."""
    exchange = exchanges()[recording.adapter]
    first = FirstMessages(recording)
    replay = Replay(lambda: exchange.venue(recording.symbols, recorded=True), first, None)
    outputs = list(replay.start(0))
    is_shown = False
    listed: set[str] = set()
    while outputs and not is_shown:
        is_shown = any(isinstance(output, SHOWN_EVENTS) for output in outputs)
        for listing in (output for output in outputs if isinstance(output, Listing)):
            listed.update(instrument.symbol for instrument in listing.instruments)
        outputs = list(replay.receive(Woke(), 0)) if isinstance(outputs[-1], Wake) else []
    return Preview(first.frames, is_shown, +replay.skipped, frozenset(listed))


# --- files --------------------------------------------------------------------------------------------


def _folder_files(folder: Path) -> RecordingFiles:
    names = {found["venue"] for file in folder.iterdir() if (found := SOCKET_FILE.fullmatch(_name(file)))}
    if len(names) != 1:
        what = f"has sessions of {', '.join(sorted(names))}: name a file" if names else "has no VENUE.ws.N.0"
        raise RecordingError(folder, what)
    return _venue_files(folder, names.pop())


def _files_with(path: Path) -> RecordingFiles:
    socket = SOCKET_FILE.fullmatch(_name(path))
    if socket is not None:
        return RecordingFiles({_name(path): [path]}, _venue_files(path.parent, socket["venue"]).answers)
    answer = ANSWER_FILE.fullmatch(_name(path))
    if answer is not None:
        files = _venue_files(path.parent, answer["venue"])
        if files.sockets:
            return files
    return RecordingFiles({path.name: [path]}, [])


def _venue_files(folder: Path, venue: str) -> RecordingFiles:
    sockets: dict[str, list[Path]] = {}
    answers: list[Path] = []
    for file in sorted(folder.iterdir(), key=_numeric_order):
        socket, answer = SOCKET_FILE.fullmatch(_name(file)), ANSWER_FILE.fullmatch(_name(file))
        if file.name != _name(file) and file.with_name(_name(file)).exists():
            continue  # the uncompressed file is there too
        if socket is not None and socket["venue"] == venue:
            sockets.setdefault(f"{venue}.ws.{socket['number']}", []).append(file)
        elif answer is not None and answer["venue"] == venue:
            answers.append(file)
    return RecordingFiles(sockets, answers)


def _name(file: Path) -> str:
    return file.name.removesuffix(".gz")


def _numeric_order(file: Path) -> list[tuple[int, str]]:
    """Return a sort key that compares the numbers in a name by value, so that file 10 comes after file 9."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in file.name.split(".")]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _socket_inputs(link: str, parts: Iterable[Path]) -> Iterator[RecordedInput]:
    """Yield what happened on one WebSocket.

    An open line while it is open means that it was lost before. Where the first open line is missing, the
    WebSocket opens with its first frame.
    """
    at_us = 0
    is_open = False
    with suppress(OSError):  # the file may go away while it is played; what was read stays played
        for line in (line for file in parts for line in read_transcript(file, SkippedLineCounter())):
            at_us = max(at_us, line.at_us)
            if line.mark == "<->":
                if is_open:
                    yield RecordedInput(at_us, Closed(link, "reconnected"))
                yield RecordedInput(at_us, Opened(link))
            elif not line.mark:
                if not is_open:
                    yield RecordedInput(at_us, Opened(link))
                yield RecordedInput(at_us, Frame(link, line.text))
            is_open = is_open or line.mark in ("", "<->")
