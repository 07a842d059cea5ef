"""The journal's records for others to read: as JSON, with the names of all fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from floorwire.storage.journal import JournalRecord
from floorwire.trading.account_store import BEGUN, decoded


class Exported(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record: its event (``core/account_events.py``), and the seqs of its account's private channels after it.

    Of the first record, which is no account's event, ``event`` is the epoch of those channels.
    """

    n: int
    ts: int
    account: str
    kind: str
    event: object
    seqs: object = None


def export(records: Iterable[JournalRecord], account: str | None = None) -> Iterator[bytes]:
    """Yield the records, of all accounts or of one, each as JSON. Raises JournalCorruptError."""
    for record in records:
        if account is None or record.account == account:
            yield msgspec.json.encode(_exported(record))


def _exported(record: JournalRecord) -> Exported:
    event: object
    seqs: object = None
    if record.kind == BEGUN:
        event = {"epoch": record.payload.decode()}
    else:
        entry = decoded(record.n, record.payload)
        event, seqs = _named(entry.event), _named(entry.seqs)
    return Exported(record.n, record.ts_us, record.account, record.kind, event, seqs)


def _named(value: object) -> object:
    """Return the value with the names of its fields, which the journal leaves out."""
    if isinstance(value, msgspec.Struct):
        return {name: _named(getattr(value, name)) for name in value.__struct_fields__}
    return [_named(item) for item in value] if isinstance(value, tuple) else value
