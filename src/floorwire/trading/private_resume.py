"""Catching up: what happened on a private channel after a seq, read from the journal off the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

from floorwire.core.account_events import CHANNELS, AccountEntry, PrivateChannel
from floorwire.storage.journal import ForgottenError, Journal
from floorwire.trading.account_store import decoded
from floorwire.trading.private_messages import seq_of

PAGE = 256
"""Read, and told, at once."""


async def after(
    journal: Journal, account: str, channel: PrivateChannel, seq: int, after_n: int | None = None
) -> AsyncIterator[AccountEntry]:
    """Yield the channel's durable entries after this seq, in order; ``after_n``: its ``place``, if known.

    Raises JournalError; ForgottenError where the first of them is not kept any more.
    """
    if after_n is None:
        after_n = await place(journal, account, channel, seq)
    last = seq
    while True:
        page = await journal.read_account(account, after_n, PAGE)
        for record in page:
            entry = decoded(record.n, record.payload)
            at = seq_of(entry.seqs, channel)
            if at <= last:
                continue
            if at != last + 1 or channel not in CHANNELS[type(entry.event)]:
                raise ForgottenError(seq, record.n)
            last = at
            yield entry
        if len(page) < PAGE:
            return
        after_n = page[-1].n


async def place(
    journal: Journal, account: str, channel: PrivateChannel, seq: int, low: int = 0, high: int | None = None
) -> int:
    """Return a record's number between the channel's events up to this seq and those after, by halving.

    Each record of the account holds the account's seqs after it, which rise with its number. ``low`` and
    ``high``: numbers that it is known to be between.
    """
    high = journal.durable_n if high is None else high
    while low < high:
        middle = (low + high) // 2
        if await _is_known(journal, account, channel, seq, middle):
            low = middle + 1
        else:
            high = middle
    return low


async def _is_known(journal: Journal, account: str, channel: PrivateChannel, seq: int, after_n: int) -> bool:
    """Return whether the account's first record after this one is no news to who knows this seq."""
    try:
        found = await journal.read_account(account, after_n, 1)
    except ForgottenError:
        return True  # further on, what is kept tells
    return bool(found) and seq_of(decoded(found[0].n, found[0].payload).seqs, channel) <= seq
