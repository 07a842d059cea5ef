"""The file of market history: an SQLite database of blocks. Without a path it is in memory.

It has nothing to do with the journal: another file, another thread, and no sync of the disk at a commit.
After ``kill -9`` it has all that was committed. A power cut can undo what was committed since the last
checkpoint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.market_history import MOST_US, Hole, HoleKind, InstrumentSince, StoredUnits
from floorwire.core.units import Scale
from floorwire.storage.private_files import touch_private

Connection: TypeAlias = sqlite3.Connection

FILE: Final = "market.db"
VERSION: Final = 3
TRADES: Final = -1
"""The kind of a block of trades. Those of candles are the numbers of their levels."""
BUSY_TIMEOUT_S: Final = 5.0
FILLED: Final = """
CREATE TABLE filled (
    symbol_id INTEGER NOT NULL, level INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, level, from_us)
) STRICT, WITHOUT ROWID;
"""
"""What version 1 does not have."""
NO_HOLE_IN_ANOTHER: Final = """
DELETE FROM holes WHERE EXISTS (
    SELECT 1 FROM holes AS outer_hole WHERE outer_hole.symbol_id = holes.symbol_id
    AND outer_hole.kind = holes.kind AND outer_hole.from_us < holes.from_us
    AND (outer_hole.to_us IS NULL OR outer_hole.to_us >= holes.to_us)
);
"""
"""What version 2 does not promise: the hole that has a time is the last one that begins before it."""
SCHEMA: Final = """
CREATE TABLE venues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, clock_us INTEGER NOT NULL) STRICT;
CREATE TABLE symbols (
    id INTEGER PRIMARY KEY,
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL UNIQUE,
    last_row INTEGER NOT NULL,
    late_us INTEGER NOT NULL
) STRICT;
CREATE TABLE instruments (
    symbol_id INTEGER NOT NULL, from_us INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (symbol_id, from_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE holes (
    symbol_id INTEGER NOT NULL, kind TEXT NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (symbol_id, kind, from_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE units (
    id INTEGER PRIMARY KEY, price TEXT NOT NULL, size TEXT NOT NULL, UNIQUE (price, size)
) STRICT;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    symbol_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    units_id INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (symbol_id, kind, first)
) STRICT;
CREATE INDEX oldest ON blocks (kind, last);
CREATE TABLE sizes (kind INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
CREATE TRIGGER added AFTER INSERT ON blocks BEGIN
    INSERT INTO sizes VALUES (new.kind, length(new.data))
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes; END;
CREATE TRIGGER changed AFTER UPDATE ON blocks BEGIN
    UPDATE sizes SET bytes = bytes + length(new.data) - length(old.data) WHERE kind = new.kind; END;
CREATE TRIGGER removed AFTER DELETE ON blocks BEGIN
    UPDATE sizes SET bytes = bytes - length(old.data) WHERE kind = old.kind; END;
"""


UPGRADES: Final = {0: SCHEMA + FILLED, 1: FILLED + NO_HOLE_IN_ANOTHER, 2: NO_HOLE_IN_ANOTHER}
"""By version: what makes the present one of it. 0: the file is empty."""


class HistoryFileError(Exception):
    """The file of market history cannot be used. The message says why."""


class StoredSymbol(msgspec.Struct, frozen=True):
    """A symbol as the file has it. ``late_us``: how much the row of a trade is above its time, at most."""

    number: int
    venue: str
    symbol: str
    last_row: int
    late_us: int


class Block(msgspec.Struct, frozen=True):
    """A stored block. ``first`` and ``last``: rows of trades, or start and end of a span of candles."""

    first: int
    last: int
    units: StoredUnits
    data: bytes


def open_to_write(path: Path | None) -> Connection:
    """Return a connection to the file, which is made where it is missing.

    Raises HistoryFileError, OSError, sqlite3.Error.
    """
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    else:
        touch_private(path)
        connection = _connect(path, "rw")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    version = _version(connection)
    upgrade = UPGRADES.get(version)
    if upgrade is not None:
        connection.executescript(f"BEGIN; {upgrade} PRAGMA user_version = {VERSION}; COMMIT;")
    else:
        _check_version(connection, path)
    return connection


def open_again(path: Path) -> Connection:
    """Return one more connection to a file that is open to write. Raises sqlite3.Error."""
    return _connect(path, "rw")


def open_to_read(path: Path) -> Connection:
    """Return a connection that only reads; another process may write meanwhile.

    Raises HistoryFileError, sqlite3.Error.
    """
    if not path.exists():
        raise HistoryFileError(f"{path}: there is no market history")
    connection = _connect(path, "ro")
    if _version(connection) == 0:
        connection.close()
        raise HistoryFileError(f"{path}: there is no market history in it yet")
    _check_version(connection, path)
    return connection


def _check_version(connection: Connection, path: Path | None) -> None:
    """Raise HistoryFileError where another version made it."""
    version = _version(connection)
    if version != VERSION:
        connection.close()
        raise HistoryFileError(f"{path} was made by another version of Floorwire: {version}")


def _version(connection: Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _connect(path: Path, mode: Literal["rw", "ro"]) -> Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


# --- venues, symbols and instruments ---------------------------------------------------------------------


def clocks(connection: Connection) -> dict[str, int]:
    """Return the time up to which each venue was heard."""
    return dict(connection.execute("SELECT name, clock_us FROM venues"))


def put_clock(connection: Connection, venue: str, clock_us: int) -> None:
    """Store the time up to which a venue was heard."""
    connection.execute(
        "INSERT INTO venues (name, clock_us) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET clock_us = excluded.clock_us",
        (venue, clock_us),
    )


def symbols(connection: Connection) -> list[StoredSymbol]:
    """Return all symbols."""
    rows = connection.execute("SELECT id, venue, symbol, last_row, late_us FROM symbols")
    return [StoredSymbol(*row) for row in rows]


def add_symbol(connection: Connection, venue: str, symbol: str) -> int:
    """Add a symbol; return its number."""
    cursor = connection.execute("INSERT INTO symbols VALUES (NULL, ?, ?, 0, 0)", (venue, symbol))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def put_last_row(connection: Connection, number: int, last_row: int, late_us: int) -> None:
    """Store the row of a symbol's last trade."""
    connection.execute(
        "UPDATE symbols SET last_row = ?, late_us = ? WHERE id = ?", (last_row, late_us, number)
    )


def instruments(connection: Connection, number: int) -> list[InstrumentSince]:
    """Return a symbol's instrument as it was, the oldest first."""
    rows = connection.execute(
        "SELECT from_us, content FROM instruments WHERE symbol_id = ? ORDER BY from_us", (number,)
    )
    return [InstrumentSince(since, msgspec.json.decode(content, type=Instrument)) for since, content in rows]


def put_instrument(connection: Connection, number: int, since: InstrumentSince) -> None:
    """Store an instrument as it is from a time on."""
    connection.execute(
        "INSERT OR REPLACE INTO instruments VALUES (?, ?, ?)",
        (number, since.from_us, msgspec.json.encode(since.instrument)),
    )


# --- holes -------------------------------------------------------------------------------------------------


def put_hole(connection: Connection, number: int, kind: HoleKind, hole: Hole) -> None:
    """Store a hole. It goes on with one that starts at the same time, and does not shorten it."""
    connection.execute(
        "INSERT INTO holes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET to_us = excluded.to_us,"
        " reason = excluded.reason WHERE to_us IS NULL OR excluded.to_us IS NULL OR to_us <= excluded.to_us",
        (number, kind, hole.from_us, hole.to_us, hole.reason),
    )


def last_hole(connection: Connection, number: int, kind: HoleKind) -> Hole | None:
    """Return the latest hole."""
    row = connection.execute(
        "SELECT from_us, to_us, reason FROM holes WHERE symbol_id = ? AND kind = ?"
        " ORDER BY from_us DESC LIMIT 1",
        (number, kind),
    ).fetchone()
    return None if row is None else Hole(*row)


def holes(
    connection: Connection, number: int, kind: HoleKind, from_us: int = 0, to_us: int = MOST_US
) -> Iterator[Hole]:
    """Yield the holes that reach into this time, the oldest first. None is in another one."""
    first_us = connection.execute(
        "SELECT max(from_us) FROM holes WHERE symbol_id = ? AND kind = ? AND from_us <= ?",
        (number, kind, from_us),
    ).fetchone()[0]
    rows = connection.execute(
        "SELECT from_us, to_us, reason FROM holes WHERE symbol_id = ? AND kind = ? AND from_us >= ?"
        " AND from_us < ? ORDER BY from_us",
        (number, kind, from_us if first_us is None else first_us, to_us),
    )
    for row in rows:
        hole = Hole(*row)
        if hole.to_us is None or hole.to_us > max(from_us, hole.from_us):
            yield hole


# --- what candles of the venue fill ------------------------------------------------------------------------


def filled(connection: Connection, number: int) -> Iterator[tuple[int, int, int]]:
    """Yield level, start and end of the times that candles of the venue fill, in order."""
    yield from connection.execute(
        "SELECT level, from_us, to_us FROM filled WHERE symbol_id = ? ORDER BY level, from_us", (number,)
    )


def put_filled(connection: Connection, number: int, level: int, from_us: int, to_us: int) -> None:
    """Store such a time, in the place of one that starts at the same time."""
    connection.execute("INSERT OR REPLACE INTO filled VALUES (?, ?, ?, ?)", (number, level, from_us, to_us))


def remove_filled(connection: Connection, number: int, level: int, from_us: int) -> None:
    """Remove the one that starts then."""
    connection.execute(
        "DELETE FROM filled WHERE symbol_id = ? AND level = ? AND from_us = ?", (number, level, from_us)
    )


# --- blocks ------------------------------------------------------------------------------------------------


class UnitNumbers:
    """The numbers of units in the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[StoredUnits, int] = {}

    def number(self, units: StoredUnits) -> int:
        """Return the number of these units; add them where they are new."""
        number = self._numbers.get(units)
        if number is None:
            steps = str(units.price), str(units.size)
            find = "SELECT id FROM units WHERE price = ? AND size = ?"
            row = self._connection.execute(find, steps).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO units VALUES (NULL, ?, ?)", steps)
                row = self._connection.execute(find, steps).fetchone()
            number = self._numbers[units] = row[0]
        return number

    def clear(self) -> None:
        """Forget them: the transaction that added them may have been undone."""
        self._numbers.clear()


def put_block(
    connection: Connection, number: int, kind: int, first: int, last: int, units_id: int, data: bytes
) -> None:
    """Store a block, in the place of one that has the same beginning."""
    connection.execute(
        "INSERT INTO blocks VALUES (NULL, ?, ?, ?, ?, ?, ?) ON CONFLICT (symbol_id, kind, first) DO UPDATE"
        " SET last = excluded.last, units_id = excluded.units_id, data = excluded.data",
        (number, kind, first, last, units_id, data),
    )


def remove_block(connection: Connection, number: int, kind: int, first: int) -> None:
    """Remove the block that begins there."""
    connection.execute(
        "DELETE FROM blocks WHERE symbol_id = ? AND kind = ? AND first = ?", (number, kind, first)
    )


def block(connection: Connection, number: int, kind: int, first: int) -> Block | None:
    """Return the block that begins there."""
    row = connection.execute(
        "SELECT first, last, price, size, data FROM blocks JOIN units ON units.id = units_id"
        " WHERE symbol_id = ? AND kind = ? AND first = ?",
        (number, kind, first),
    ).fetchone()
    return None if row is None else _block(row)


def first_block_start(connection: Connection, number: int, kind: int) -> int | None:
    """Return where the oldest block begins."""
    found: int | None = connection.execute(
        "SELECT min(first) FROM blocks WHERE symbol_id = ? AND kind = ?", (number, kind)
    ).fetchone()[0]
    return found


def blocks_before(connection: Connection, number: int, kind: int, end: int) -> Iterator[Block]:
    """Yield the blocks that begin before ``end``, the latest first."""
    rows = connection.execute(
        "SELECT first, last, price, size, data FROM blocks JOIN units ON units.id = units_id"
        " WHERE symbol_id = ? AND kind = ? AND first < ? ORDER BY first DESC",
        (number, kind, end),
    )
    for row in rows:
        yield _block(row)


def blocks_after(connection: Connection, number: int, kind: int, start: int) -> Iterator[Block]:
    """Yield the blocks that reach to ``start`` or beyond, the earliest first."""
    holds = connection.execute(
        "SELECT max(first) FROM blocks WHERE symbol_id = ? AND kind = ? AND first <= ?", (number, kind, start)
    ).fetchone()[0]
    rows = connection.execute(
        "SELECT first, last, price, size, data FROM blocks JOIN units ON units.id = units_id"
        " WHERE symbol_id = ? AND kind = ? AND first >= ? ORDER BY first",
        (number, kind, start if holds is None else holds),
    )
    for row in rows:
        yield _block(row)


def _block(row: tuple[int, int, str, str, bytes]) -> Block:
    first, last, price, size, data = row
    return Block(first, last, StoredUnits(Scale.of(price), Scale.of(size)), data)


# --- bounds ------------------------------------------------------------------------------------------------


def bytes_of(connection: Connection, kinds: Iterable[int]) -> int:
    """Return how many bytes the blocks of these kinds have."""
    sizes: dict[int, int] = dict(connection.execute("SELECT kind, bytes FROM sizes"))
    return sum(sizes.get(kind, 0) for kind in kinds)


def remove_oldest(connection: Connection, kind: int, before: int, limit: int) -> int:
    """Remove up to ``limit`` of the oldest blocks that end before this; return how many there were."""
    cursor = connection.execute(
        "DELETE FROM blocks WHERE id IN"
        " (SELECT id FROM blocks WHERE kind = ? AND last < ? ORDER BY last LIMIT ?)",
        (kind, before, limit),
    )
    return cursor.rowcount


def remove_holes(connection: Connection, before_us: int) -> None:
    """Remove the holes that ended before this time, and what fills them. The first of a symbol stays."""
    connection.execute("DELETE FROM holes WHERE from_us > 0 AND to_us < ?", (before_us,))
    connection.execute("DELETE FROM filled WHERE to_us < ?", (before_us,))
