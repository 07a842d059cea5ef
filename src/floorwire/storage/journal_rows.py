"""Rows of the journal: one a commit, with its records. A digest (checksum) chains it to the row before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from floorwire.storage.journal import JournalCorruptError, JournalEntry, JournalRecord

CHAIN_BYTES = 16
ORIGIN = bytes(CHAIN_BYTES)
"""The digest that stands before the first row."""

_entries = msgspec.msgpack.Decoder(list[JournalEntry])


class JournalRow(NamedTuple):
    """One commit: its first and last record, their accounts (JSON), the records (MessagePack), the chain."""

    first_n: int
    last_n: int
    accounts: str
    records: bytes
    chain: bytes


def make(first_n: int, entries: Sequence[JournalEntry], chain: bytes) -> JournalRow:
    """Return the row that follows the row with the digest ``chain``."""
    accounts = msgspec.json.encode(sorted({entry.account for entry in entries})).decode()
    records = msgspec.msgpack.encode(entries)
    last_n = first_n + len(entries) - 1
    return JournalRow(first_n, last_n, accounts, records, digest(first_n, last_n, accounts, records, chain))


def digest(first_n: int, last_n: int, accounts: str, records: bytes, chain: bytes) -> bytes:
    """Return the digest (checksum) of a row and all rows before it. ``chain``: that of the rows before."""
    text = accounts.encode()
    head = b"%b%d %d %d " % (chain, first_n, last_n, len(text))
    return blake2b(head + text + records, digest_size=CHAIN_BYTES).digest()


def records_of(row: JournalRow, good_n: int, chain: bytes) -> Iterator[JournalRecord]:
    """Return the records of a row, which must follow record ``good_n``.

    ``chain`` is the digest of the row before. Raises JournalCorruptError where the row does not fit.
    """
    if row.first_n != good_n + 1:
        raise JournalCorruptError(good_n, f"the next row starts with record {row.first_n}")
    if digest(row.first_n, row.last_n, row.accounts, row.records, chain) != row.chain:
        raise JournalCorruptError(good_n, f"the row of records {row.first_n} to {row.last_n} was changed")
    entries = _entries.decode(row.records)
    return (
        JournalRecord(n, entry.account, entry.kind, entry.ts_us, entry.payload)
        for n, entry in enumerate(entries, row.first_n)
    )
