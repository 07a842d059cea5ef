"""A recording: the files of one session, found by name, and the exchange whose adapter can play them.

VENUE.ws.N.0 is one WebSocket, VENUE.0 and VENUE.http.N.0 hold HTTP answers; the last number counts on
where a file was rotated. Each may have ``.gz`` behind its name. transcript.py tells what is in them.
Frames are read while they are played, answers at once.
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
from floorwire.connectors.transcript import SkippedLines, Skips, TranscriptLine, entries
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Quote, Trade
from floorwire.core.ports import Closed, Frame, Opened, Wake, Woke
from floorwire.venues.common.links import STALE_US
from floorwire.venues.replay import Adapter, RecordedAnswer, RecordedInput, Replay

SOCKET_FILE = re.compile(r"(?P<venue>.+)\.ws\.(?P<number>[0-9]+)\.(?P<turn>[0-9]+)")
ANSWER_FILE = re.compile(r"(?P<venue>.+?)(?:\.http\.(?P<number>[0-9]+))?\.(?P<turn>[0-9]+)")

PREVIEWED = 100_000
"""At most so many messages are played before a recording is served, to see whether anything comes of them."""
SHOWN = (Trade, Quote, BookSnapshot, BookChange, DayStats, Candle)


class RecordingError(ValueError):
    """A recording that cannot be played: which, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MakeAdapter(Protocol):
    """The ``venue`` function of an adapter's module."""

    def __call__(
        self,
        symbols: Sequence[str] = (),
        prefix: str = "",
        *,
        recorded: bool = False,
        stale_us: int = STALE_US,
    ) -> Adapter: ...


class NameSymbols(Protocol):
    """The ``requested_symbols`` function of an adapter's module. Raises ValueError."""

    def __call__(self, text: str) -> Sequence[str]: ...


class ExchangeAdapter(NamedTuple):
    """An exchange that has an adapter: what its module in ``venues`` offers."""

    hosts: frozenset[str]
    venue: MakeAdapter
    requested_symbols: NameSymbols


def exchanges() -> dict[str, ExchangeAdapter]:
    """Return the exchanges by name: every package of ``venues`` with a ``market_data``."""
    found: dict[str, ExchangeAdapter] = {}
    for module in iter_modules(venues.__path__):
        name = f"{venues.__name__}.{module.name}.market_data"
        if module.ispkg and find_spec(name) is not None:
            exchange = import_module(name)
            found[module.name] = ExchangeAdapter(exchange.HOSTS, exchange.venue, exchange.requested_symbols)
    return found


class Files(NamedTuple):
    """The files of a session: each WebSocket's by its name, in turn, and those with answers."""

    sockets: dict[str, list[Path]]
    answers: list[Path]


class Recording:
    """A session that can be played. ``skipped`` says what its files lack."""

    def __init__(self, path: Path, files: Files, adapter: str | None) -> None:
        """Read the files once. Raises RecordingError where no adapter fits, OSError."""
        self._files = files
        self._skips = Skips()
        self._answers: list[RecordedAnswer] = []
        self._hosts: dict[str, None] = {}
        self._asked: dict[str, None] = {}
        self.frames = 0
        """How many frames the exchange sent."""
        for file in (*files.answers, *(file for turns in files.sockets.values() for file in turns)):
            for entry in entries(file, self._skips):
                self._note(entry)
        self.answers: Sequence[RecordedAnswer] = sorted(self._answers, key=attrgetter("at_us"))
        self.adapter = self._adapter(path, adapter)
        """The name of the exchange."""
        self.symbols = tuple(dict.fromkeys(self._symbols(exchanges()[self.adapter])))
        """What the client of then asked for, as the exchange names it."""
        self.skipped: tuple[SkippedLines, ...] = self._skips.all()

    def heard(self) -> Iterator[RecordedInput]:
        """Yield what happened on the WebSockets, in order of time."""
        return merge(
            *(_heard(link, turns) for link, turns in self._files.sockets.items()), key=attrgetter("at_us")
        )

    def _note(self, entry: TranscriptLine) -> None:
        match entry.mark:
            case "->":
                self._answers.append(RecordedAnswer(entry.at_us, entry.url, entry.text))
            case "<->":
                self._asked[entry.url] = None
            case "<-":
                self._asked[entry.text.decode("utf-8", "replace")] = None
            case _:
                self.frames += 1
        if entry.url:
            self._hosts[_host(entry.url)] = None

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
        for text in self._asked:
            with suppress(ValueError, RecursionError):
                yield from exchange.requested_symbols(text)


def read(path: Path, adapter: str | None = None) -> Recording:
    """Return the recording that a file belongs to, or that is in a folder.

    ``adapter`` names the exchange; None: the one whose address is recorded. Of a WebSocket's file only that
    one is played, of a file with answers or a folder all. Raises RecordingError, OSError.
    """
    files = _in_folder(path) if path.is_dir() else _around(path)
    return Recording(path, files, adapter)


def replay(
    recording: Recording,
    prefix: str = "",
    speed: float | None = 1.0,
    *,
    loop: bool = False,
    stale_us: int = STALE_US,
) -> Replay:
    """Return the venue that plays the recording. ``stale_us``: the silence, in recorded time, after which
    what a link told is not current. Raises SpeedError."""
    exchange = exchanges()[recording.adapter]

    def make() -> Adapter:
        return exchange.venue(recording.symbols, prefix, recorded=True, stale_us=stale_us)

    return Replay(make, recording, speed, loop=loop)


class Beginning:
    """The first messages of a recording, with all answers."""

    def __init__(self, recording: Recording) -> None:
        self.answers = recording.answers
        self.frames = 0
        """How many messages were played."""
        self._recording = recording

    def heard(self) -> Iterator[RecordedInput]:
        """Yield what happened on the links until so many messages came."""
        for heard in self._recording.heard():
            if isinstance(heard.happened, Frame):
                if self.frames == PREVIEWED:
                    return
                self.frames += 1
            yield heard


class Preview(NamedTuple):
    """What comes of the beginning of a recording, up to the first thing that can be shown."""

    frames: int
    """So many messages of the exchange were played."""
    is_shown: bool
    """Whether a price, a trade, a book or a figure came of them."""
    skipped: Mapping[str, int]
    """What was left out, by reason."""


def preview(recording: Recording) -> Preview:
    """Play the beginning at once, to see whether the adapter understands it."""
    exchange = exchanges()[recording.adapter]
    beginning = Beginning(recording)
    replay = Replay(lambda: exchange.venue(recording.symbols, recorded=True), beginning, None)
    outputs = list(replay.start(0))
    is_shown = False
    while outputs and not is_shown:
        is_shown = any(isinstance(output, SHOWN) for output in outputs)
        outputs = list(replay.receive(Woke(), 0)) if isinstance(outputs[-1], Wake) else []
    return Preview(beginning.frames, is_shown, +replay.skipped)


# --- files --------------------------------------------------------------------------------------------


def _in_folder(folder: Path) -> Files:
    names = {found["venue"] for file in folder.iterdir() if (found := SOCKET_FILE.fullmatch(_name(file)))}
    if len(names) != 1:
        what = f"has sessions of {', '.join(sorted(names))}: name a file" if names else "has no VENUE.ws.N.0"
        raise RecordingError(folder, what)
    return _of_venue(folder, names.pop())


def _around(path: Path) -> Files:
    socket = SOCKET_FILE.fullmatch(_name(path))
    if socket is not None:
        return Files({_name(path): [path]}, _of_venue(path.parent, socket["venue"]).answers)
    answer = ANSWER_FILE.fullmatch(_name(path))
    if answer is not None:
        files = _of_venue(path.parent, answer["venue"])
        if files.sockets:
            return files
    return Files({path.name: [path]}, [])


def _of_venue(folder: Path, venue: str) -> Files:
    sockets: dict[str, list[Path]] = {}
    answers: list[Path] = []
    for file in sorted(folder.iterdir(), key=_place):
        socket, answer = SOCKET_FILE.fullmatch(_name(file)), ANSWER_FILE.fullmatch(_name(file))
        if file.name != _name(file) and file.with_name(_name(file)).exists():
            continue  # compressed, and the original was kept
        if socket is not None and socket["venue"] == venue:
            sockets.setdefault(f"{venue}.ws.{socket['number']}", []).append(file)
        elif answer is not None and answer["venue"] == venue:
            answers.append(file)
    return Files(sockets, answers)


def _name(file: Path) -> str:
    return file.name.removesuffix(".gz")


def _place(file: Path) -> list[tuple[int, str]]:
    """Numbers in a name by their value, so that file 10 comes after file 9."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in file.name.split(".")]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _heard(link: str, turns: Iterable[Path]) -> Iterator[RecordedInput]:
    """Yield what happened on one link: lost where it opens again, open from the start where that is cut."""
    at_us = 0
    is_open = False
    with suppress(OSError):  # gone while it is played: what was read was played
        for entry in (entry for turn in turns for entry in entries(turn, Skips())):
            at_us = max(at_us, entry.at_us)
            if entry.mark == "<->":
                if is_open:
                    yield RecordedInput(at_us, Closed(link, "reconnected"))
                yield RecordedInput(at_us, Opened(link))
            elif not entry.mark:
                if not is_open:
                    yield RecordedInput(at_us, Opened(link))
                yield RecordedInput(at_us, Frame(link, entry.text))
            is_open = is_open or entry.mark in ("", "<->")
