"""The index of the account history: an SQLite file beside the journal.

It is made from the journal and never trusted over it. It finds a page of closed orders, fills or changes of
balances wherever it is. It says which part of the journal it has by the digest of that part. It is made anew
after a start of the machine, unless it was closed before: nothing waits for its disk, and it is never synced
while it is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from floorwire.storage.account_history_rows import IndexedBalance, IndexedDay, IndexedRows, LedgerRecord
from floorwire.storage.private_files import touch_private

FILE = "account-history.db"
VERSION = 1
EXAMINED = 5_000
"""Rows that one page examines. It may be short for it."""
LATEST_US = 1 << 62
"""Later than all dates."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
KEPT_PAGES_KIB = 8_192
"""The cache of SQLite."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE records (n INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, symbol INTEGER NOT NULL, state INTEGER NOT NULL,
    at_us INTEGER NOT NULL, n INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_of_account ON orders (account, at_us, id, state, symbol);
CREATE INDEX orders_of_symbol ON orders (account, symbol, at_us, id, state);
CREATE TABLE fills (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, symbol INTEGER NOT NULL, at_us INTEGER NOT NULL,
    seq INTEGER NOT NULL, n INTEGER NOT NULL
) STRICT;
CREATE INDEX fills_of_account ON fills (account, at_us, id, symbol);
CREATE INDEX fills_of_symbol ON fills (account, symbol, at_us, id);
CREATE TABLE ledger (
    id INTEGER NOT NULL, account INTEGER NOT NULL, at_us INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (account, at_us, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_record ON ledger (account, id);
CREATE TABLE days (
    account INTEGER NOT NULL, day INTEGER NOT NULL, asset INTEGER NOT NULL, decimals INTEGER NOT NULL,
    turnover TEXT NOT NULL, fees TEXT NOT NULL, fills INTEGER NOT NULL, PRIMARY KEY (account, day, asset)
) STRICT, WITHOUT ROWID;
CREATE TABLE balances (
    account INTEGER NOT NULL, asset INTEGER NOT NULL, total INTEGER NOT NULL, decimals INTEGER NOT NULL,
    PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;
"""
_FORGET = (
    "DELETE FROM orders WHERE n <= ?",
    "DELETE FROM fills WHERE n <= ?",
    "DELETE FROM records WHERE n <= ?",
    "DELETE FROM ledger WHERE id <= ?",
)
_encode = msgspec.msgpack.Encoder().encode
_decode_ledger = msgspec.msgpack.Decoder(LedgerRecord).decode


class HistoryQuery(msgspec.Struct, frozen=True):
    """Which rows of an account are wanted, the latest first."""

    account: str
    limit: int
    before: tuple[int, int] | None = None
    """Date and id of a row: only rows before it. None: from the latest on."""
    from_us: int = 0
    to_us: int | None = None
    """Only rows of dates from ``from_us`` on and before ``to_us``."""
    symbol: str | None = None
    """Only rows of this symbol; None: of all."""
    sees: Callable[[str], bool] | None = None
    """Whether rows of a symbol may be shown; None: those of all may."""
    states: tuple[str, ...] | None = None
    """Only orders in these states; None: in all."""


class HistoryRecord(msgspec.Struct, frozen=True, gc=False):
    """One row of a page: its id, its date, and the record of the journal."""

    id: int
    at_us: int
    n: int
    payload: bytes


class HistoryPage(msgspec.Struct, frozen=True):
    """Rows, the latest first."""

    rows: Sequence[HistoryRecord]
    next: tuple[int, int] | None = None
    """Date and id of the row that was examined last, where there may be older ones."""


class LedgerPage(msgspec.Struct, frozen=True):
    """Changes by record, the latest first."""

    rows: Sequence[tuple[int, LedgerRecord]]
    next: tuple[int, int] | None = None


class AccountHistoryIndex:
    """The index of one journal. Used by one thread at a time. Raises sqlite3.Error, OSError."""

    def __init__(self, folder: Path | None, most_records: int | None = None) -> None:
        """``folder``: None keeps the index in memory. ``most_records``: the latest that are kept of those."""
        self._path = None if folder is None else folder / FILE
        self._most_records = most_records
        self.forgotten_n = 0
        """The last record that is not kept any more."""
        self._names: dict[str, int] = {}
        self._connection = self._connect()
        self.last_n = int(self._meta("last_n") or 0)
        """The last record of the journal that was indexed."""
        self.digest = bytes.fromhex(self._meta("digest") or "")
        """The journal's digest of all records up to it."""
        self.at_us = int(self._meta("at_us") or 0)
        """The latest date of those records."""

    # --- the file -----------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            touch_private(self._path)
        connection = sqlite3.connect(self._path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA cache_size = -{KEPT_PAGES_KIB}")
            self._prepare(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none. Empty them where they cannot be trusted."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            self._make(connection)
        self._connection = connection
        boot_id = _boot_id()
        if self._meta("is_closed") != "1" and (not boot_id or self._meta("boot_id") != boot_id):
            self._make(connection)
        connection.execute("PRAGMA synchronous = FULL")
        self._set_meta({"is_closed": "0", "boot_id": boot_id})
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA synchronous = OFF")
        self._names = {name: row_id for row_id, name in connection.execute("SELECT id, name FROM names")}

    @staticmethod
    def _make(connection: sqlite3.Connection) -> None:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        drop = "".join(f'DROP TABLE "{name}";' for (name,) in tables)
        connection.executescript(f"BEGIN; {drop} {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def clear(self) -> None:
        """Forget everything: the journal is another one."""
        self._make(self._connection)
        self._names = {}
        self.last_n, self.digest, self.at_us = 0, b"", 0
        self._set_meta({"is_closed": "0", "boot_id": _boot_id()})

    def close(self) -> None:
        """Write everything to the disk and close."""
        try:
            with suppress(sqlite3.Error):  # then it is made anew after the next start of the machine
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._set_meta({"is_closed": "1"})
        finally:
            self._connection.close()

    def _meta(self, name: str) -> str:
        found = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return "" if found is None else str(found[0])

    def _set_meta(self, values: Mapping[str, str]) -> None:
        self._connection.executemany("REPLACE INTO meta VALUES (?, ?)", values.items())

    def skip(self, n: int) -> None:
        """Go on after record ``n``: the journal does not have the records up to it any more.

        Rows of older records are forgotten too. A page would have them beside later ones, as if nothing had
        been between.
        """
        connection = self._connection
        connection.execute("BEGIN")
        try:
            for forget in _FORGET:
                connection.execute(forget, (n,))
            connection.execute("DELETE FROM balances")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        self.last_n = self.forgotten_n = n

    # --- writing ------------------------------------------------------------------------------------

    def add(self, rows: IndexedRows, last_n: int, digest: bytes, at_us: int) -> None:
        """Add what follows from the records up to ``last_n``, all or nothing.

        ``digest``: the journal's, of these records. ``at_us``: the latest date of them.
        """
        connection = self._connection
        connection.execute("BEGIN")
        try:
            self._write(rows)
            self._set_meta({"last_n": str(last_n), "digest": digest.hex(), "at_us": str(at_us)})
            if self._most_records is not None:
                self._forget(last_n - self._most_records)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            self._names = {name: row_id for row_id, name in connection.execute("SELECT id, name FROM names")}
            raise
        self.last_n, self.digest, self.at_us = last_n, digest, at_us

    def _write(self, rows: IndexedRows) -> None:
        """Write the rows. Each is made when it is written: others run in between."""
        execute, name_id = self._connection.executemany, self._name_id
        execute("REPLACE INTO records VALUES (?, ?)", rows.records)
        execute(
            "REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)",
            (
                (row.order_id, *map(name_id, (row.account, row.symbol, row.state)), row.created_us, row.n)
                for row in rows.orders
            ),
        )
        execute(
            "REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?)",
            (
                (row.fill_id, name_id(row.account), name_id(row.symbol), row.at_us, row.seq, row.n)
                for row in rows.fills
            ),
        )
        execute(
            "REPLACE INTO ledger VALUES (?, ?, ?, ?)",
            ((row.n, name_id(row.account), row.at_us, _encode(row.record)) for row in rows.ledger),
        )
        execute(
            "REPLACE INTO balances VALUES (?, ?, ?, ?)",
            ((name_id(row.account), name_id(row.asset), row.total, row.decimals) for row in rows.balances),
        )
        for day in rows.days:
            self._add_day(day)

    def _add_day(self, more: IndexedDay) -> None:
        key = self._name_id(more.account), more.day, self._name_id(more.asset)
        found = self._connection.execute(
            "SELECT decimals, turnover, fees, fills FROM days WHERE account = ? AND day = ? AND asset = ?",
            key,
        ).fetchone()
        if found is not None:
            more = added(more, IndexedDay(more.account, more.day, more.asset, *_numbers(found)))
        values = more.decimals, str(more.turnover), str(more.fees), more.fills
        self._connection.execute("REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, *values))

    def _forget(self, up_to_n: int) -> None:
        """Forget all up to this record, when that is a tenth of what is kept: it looks at every row."""
        assert self._most_records is not None
        if up_to_n - self.forgotten_n <= self._most_records // 10:
            return
        for forget in _FORGET:
            self._connection.execute(forget, (up_to_n,))
        self.forgotten_n = up_to_n

    def _name_id(self, name: str) -> int:
        known = self._names.get(name)
        if known is None:
            added_row = self._connection.execute("INSERT INTO names (name) VALUES (?)", (name,)).lastrowid
            assert added_row is not None
            known = self._names[name] = added_row
        return known

    # --- reading ------------------------------------------------------------------------------------

    def balances(self) -> Iterable[IndexedBalance]:
        """Return the balances after the last record that was indexed."""
        names = {row_id: name for name, row_id in self._names.items()}
        found = self._connection.execute("SELECT account, asset, total, decimals FROM balances").fetchall()
        return [IndexedBalance(names[account], names[asset], *rest) for account, asset, *rest in found]

    def orders(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of closed orders, by the date at which they were created."""
        return self._page("orders", query)

    def fills(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of fills."""
        return self._page("fills", query)

    def created_us(self, account: str, order_id: int) -> int | None:
        """Return when a closed order of the account was created; None where there is none."""
        found = self._connection.execute(
            "SELECT at_us FROM orders WHERE id = ? AND account = ?", (order_id, self._names.get(account))
        ).fetchone()
        return None if found is None else int(found[0])

    def fill_place(self, before: int) -> tuple[int, int] | None:
        """Return the place of the first fill that is not older than ``before``; None where all are older.

        Fills of all accounts have dates in the order of their ids.
        """
        found = self._connection.execute(
            "SELECT at_us, id FROM fills WHERE id >= ? ORDER BY id LIMIT 1", (before,)
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def ledger_place(self, account: str, before: int) -> tuple[int, int] | None:
        """Return the place of the account's first change by a record that is not before record ``before``."""
        found = self._connection.execute(
            "SELECT at_us, id FROM ledger WHERE account = ? AND id >= ? ORDER BY id LIMIT 1",
            (self._names.get(account), before),
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def first_fill(self, account: str) -> tuple[int, int] | None:
        """Return the seq and the date of the account's first fill that is kept; None where none is."""
        found = self._connection.execute(
            "SELECT seq, at_us FROM fills WHERE account = ? ORDER BY at_us, id LIMIT 1",
            (self._names.get(account),),
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def ledger(self, query: HistoryQuery) -> LedgerPage:
        """Return a page of changes of balances: ``limit`` records of them at most."""
        where, values = self._range(query)
        found = self._connection.execute(
            f"SELECT at_us, id, record FROM ledger WHERE {where} ORDER BY at_us DESC, id DESC LIMIT ?",  # noqa: S608 # nosec B608
            (*values, query.limit + 1),
        )
        rows: list[tuple[int, LedgerRecord]] = []
        last = 0, 0
        for at_us, n, record in found:
            if len(rows) == query.limit:
                return LedgerPage(rows, last)
            rows.append((n, _decode_ledger(record)))
            last = at_us, n
        return LedgerPage(rows)

    def days(self, account: str, first_day: int, limit: int) -> list[IndexedDay]:
        """Return the days of the account from ``first_day`` on, the latest first, in ``limit`` rows."""
        names = {row_id: name for name, row_id in self._names.items()}
        found = self._connection.execute(
            "SELECT day, asset, decimals, turnover, fees, fills FROM days WHERE account = ? AND day >= ? "
            "ORDER BY day DESC, asset LIMIT ?",
            (self._names.get(account), first_day, limit),
        )
        return [IndexedDay(account, day, names[asset], *_numbers(rest)) for day, asset, *rest in found]

    def _range(self, query: HistoryQuery, end: tuple[int, int] | None = None) -> tuple[str, list[int | None]]:
        """Return the condition of a query, for rows from ``end`` on.

        Both ends are dates first: SQLite finds only one limit on each side in an index, and tries each row
        of what is between it and another one.
        """
        first_us, last_us = query.from_us, LATEST_US if query.to_us is None else query.to_us - 1
        where, further = "account = ? AND at_us BETWEEN ? AND ?", list[int]()
        if query.before is not None:
            last_us = min(last_us, query.before[0])
            where += " AND (at_us, id) < (?, ?)"
            further += query.before
        if end is not None:
            first_us = max(first_us, end[0])
            where += " AND (at_us, id) >= (?, ?)"
            further += end
        return where, [self._names.get(query.account), first_us, last_us, *further]

    def _page(self, table: str, query: HistoryQuery) -> HistoryPage:
        """Return a page. It examines ``EXAMINED`` rows of the index at most."""
        of_symbol = "" if query.symbol is None else self._in("symbol", (query.symbol,))  # it has an index
        wanted = ""
        if query.symbol is None and query.sees is not None:
            wanted += self._in("symbol", filter(query.sees, self._names))
        if query.states is not None:
            wanted += self._in("state", query.states)
        where, values = self._range(query)
        end: tuple[int, int] | None = None
        if wanted:
            end = self._connection.execute(
                f"SELECT at_us, id FROM {table} WHERE {where}{of_symbol} "  # noqa: S608 # nosec B608
                "ORDER BY at_us DESC, id DESC LIMIT 1 OFFSET ?",
                (*values, EXAMINED),
            ).fetchone()
            where, values = self._range(query, end)
        found = self._connection.execute(
            f"SELECT t.at_us, t.id, t.n, r.payload FROM {table} t JOIN records r ON r.n = t.n WHERE t.id IN "  # noqa: S608 # nosec B608
            f"(SELECT id FROM {table} WHERE {where}{of_symbol}{wanted} ORDER BY at_us DESC, id DESC LIMIT ?) "
            "ORDER BY t.at_us DESC, t.id DESC",
            (*values, query.limit + 1),
        )
        rows: list[HistoryRecord] = []
        for at_us, row_id, n, payload in found:
            if len(rows) == query.limit:
                return HistoryPage(rows, (rows[-1].at_us, rows[-1].id))
            rows.append(HistoryRecord(row_id, at_us, n, payload))
        return HistoryPage(rows, end)

    def _in(self, column: str, names: Iterable[str]) -> str:
        """Return a condition for rows with one of these names."""
        known = [self._names[name] for name in names if name in self._names]
        return f" AND {column} IN ({', '.join(map(str, known))})"


def added(one: IndexedDay, other: IndexedDay) -> IndexedDay:
    """Return the sum of two rows of the same day, account and asset, in the finer units."""
    decimals = max(one.decimals, other.decimals)
    finer = [10 ** (decimals - row.decimals) for row in (one, other)]
    return IndexedDay(
        one.account,
        one.day,
        one.asset,
        decimals,
        one.turnover * finer[0] + other.turnover * finer[1],
        one.fees * finer[0] + other.fees * finer[1],
        one.fills + other.fills,
    )


def remove(folder: Path) -> None:
    """Remove a damaged index. It is made anew when it is opened. Raises OSError."""
    for end in ("", "-wal", "-shm"):
        (folder / f"{FILE}{end}").unlink(missing_ok=True)


def _numbers(values: Iterable[int | str]) -> tuple[int, int, int, int]:
    decimals, turnover, fees, fills = map(int, values)
    return decimals, turnover, fees, fills


def _boot_id() -> str:
    """Return what the system is known by since it started; "" where that cannot be told."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
