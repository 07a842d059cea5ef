"""The mark beside keys.db: tells whether the database is older than what was last written.

A line of four words: the store's identity, the id of its last deposit, the number of the last change of keys,
and the tag of the three. Marks of earlier versions have the first two only. The mark is written after the
database, so it may be behind it and is never ahead, unless the database is an older copy.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import msgspec

from floorwire.auth.secret_sealer import SecretSealer, verify_digest
from floorwire.storage.private_files import read_start, touch_private

FILE = "keys.mark"
KIND = "mark"
DRAFT_BYTES = 8
MOST_BYTES = 1024
"""No mark has more. So much of the file is read."""
FORM = re.compile(r"([0-9a-f]*) ([0-9]{1,18})(?: ([0-9]{1,18}) ([0-9a-f]{64}))?")


class KeyMark(msgspec.Struct, frozen=True):
    """What the mark says. ``is_tagged``: this version wrote it, under this master key."""

    identity: str = ""
    last_id: int = -1
    changes: int = 0
    is_tagged: bool = False


NO_MARK = KeyMark()


def read(folder: Path, sealer: SecretSealer) -> KeyMark:
    """Return the mark; NO_MARK where there is none, or where its tag is wrong. Raises OSError."""
    try:
        text = read_start(folder / FILE, MOST_BYTES).decode("ascii", "replace")
    except FileNotFoundError:
        return NO_MARK
    found = FORM.fullmatch(text)
    if found is None:
        return NO_MARK
    identity, last_id, changes, tag = found.groups()
    if tag is None:
        return KeyMark(identity, int(last_id))
    mark = KeyMark(identity, int(last_id), int(changes), is_tagged=True)
    return mark if verify_digest(_text(mark, sealer).encode(), text.encode()) else NO_MARK


def write(folder: Path, mark: KeyMark, sealer: SecretSealer) -> None:
    """Write the mark, whole or not at all. Raises OSError."""
    draft = folder / f".{FILE}.{secrets.token_hex(DRAFT_BYTES)}"
    try:
        touch_private(draft)
        draft.write_text(_text(mark, sealer), "ascii")
        draft.replace(folder / FILE)
    except OSError:
        draft.unlink(missing_ok=True)  # A full disk would gather one for each attempt.
        raise


def _text(mark: KeyMark, sealer: SecretSealer) -> str:
    tag = sealer.tag(KIND, (mark.identity, mark.last_id, mark.changes))
    return f"{mark.identity} {mark.last_id} {mark.changes} {tag.hex()}"
