"""Exports journal records as JSON, with the names of all fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from floorwire.storage.journal import JournalRecord
from floorwire.trading.account_store import EPOCH_KIND, decode_entry


class ExportedRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record: its event, and the seqs of its account's private channels after it.

    In the first record, which is no account's event, ``event`` is the epoch of those channels.
    """

    n: int
    ts: int
    account: str
    kind: str
    event: object
    seqs: object = None


def export(records: Iterable[JournalRecord], account: str | None = None) -> Iterator[bytes]:
    """Yield each record as JSON, of all accounts or of one. Raises JournalCorruptError."""
    for record in records:
        if account is None or record.account == account:
            yield msgspec.json.encode(_export_record(record))


def _export_record(record: JournalRecord) -> ExportedRecord:
    event: object
    seqs: object = None
    if record.kind == EPOCH_KIND:
        event = {"epoch": record.payload.decode()}
    else:
        entry = decode_entry(record.n, record.payload)
        event, seqs = _with_field_names(entry.event), _with_field_names(entry.seqs)
    return ExportedRecord(record.n, record.ts_us, record.account, record.kind, event, seqs)


def _with_field_names(value: object) -> object:
    """Return the value with field names, which the journal leaves out."""
    if isinstance(value, msgspec.Struct):
        return {name: _with_field_names(getattr(value, name)) for name in value.__struct_fields__}
    return [_with_field_names(item) for item in value] if isinstance(value, tuple) else value
