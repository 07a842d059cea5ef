"""Resume of private channels: reads events after a seq from the journal, off the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

from floorwire.core.account_events import CHANNELS, AccountEntry, PrivateChannel
from floorwire.storage.journal import ForgottenError, Journal
from floorwire.trading.account_store import decode_entry
from floorwire.trading.private_event_mapping import seq_of

PAGE_RECORDS = 256
"""Records read, and sent, at once."""


async def entries_after(
    journal: Journal, account: str, channel: PrivateChannel, seq: int, after_n: int | None = None
) -> AsyncIterator[AccountEntry]:
    """Yield the channel's durable entries after ``seq``, in order.

    ``after_n``: the record number from ``find_position``, if known. Raises JournalError; ForgottenError where
    the first of the entries is not kept any more.
    """
    if after_n is None:
        after_n = await find_position(journal, account, channel, seq)
    last = seq
    while True:
        page = await journal.read_account(account, after_n, PAGE_RECORDS)
        for record in page:
            entry = decode_entry(record.n, record.payload)
            at = seq_of(entry.seqs, channel)
            if at <= last:
                continue
            if at != last + 1 or channel not in CHANNELS[type(entry.event)]:
                raise ForgottenError(seq, record.n)
            last = at
            yield entry
        if len(page) < PAGE_RECORDS:
            return
        after_n = page[-1].n


async def find_position(
    journal: Journal, account: str, channel: PrivateChannel, seq: int, low: int = 0, high: int | None = None
) -> int:
    """Find the record number after which the channel's events are later than ``seq``, by binary search.

    Each record holds its account's seqs, and they rise with the record number. ``low`` and ``high`` limit the
    search. Raises JournalError.
    """
    high = journal.durable_n if high is None else high
    while low < high:
        middle = (low + high) // 2
        if await _is_at_or_before(journal, account, channel, seq, middle):
            low = middle + 1
        else:
            high = middle
    return low


async def _is_at_or_before(
    journal: Journal, account: str, channel: PrivateChannel, seq: int, after_n: int
) -> bool:
    """Return whether the account's first record after ``after_n`` is not later than ``seq``."""
    try:
        found = await journal.read_account(account, after_n, 1)
    except ForgottenError:
        return True  # it is older than all kept records
    return bool(found) and seq_of(decode_entry(found[0].n, found[0].payload).seqs, channel) <= seq
