"""The high-water mark: the number of the last acknowledged record, kept beside the journal.

It shows that the journal's end is lost. SQLite drops all that follows the first bad frame of its log, and
reports no error. The mark is written after the commit. It is synced when it is made, and then no more: it
survives kill -9. After a power cut it may be too low, but never too high, and not empty.

The mark also shows whether the journal beside it is the one that it was written for, or an older copy that
was put back. For this it holds two values:

- the inode number of the journal;
- the time at which an empty file beside it was made (its ctime, which a copy does not keep).

A kill between a commit and the mark leaves the journal one commit ahead of it, and no more.

The number is stored twice, so that no kill tears both copies. Where neither can be read the mark is damaged:
a journal beside it may lack its end, and does not open.
"""

from __future__ import annotations

import struct
from pathlib import Path

from floorwire.storage import stored_number
from floorwire.storage.private_files import read_start, touch_private
from floorwire.storage.stored_number import PAIR_BYTES, DamagedNumberError, NumberFile

FILE = "journal.mark"
MADE_FILE = "journal.made"
"""An empty file that never changes. Its ctime is when it was put into the folder."""
_UNUSED_BYTES = 8
"""Earlier versions wrote something here."""
_files = struct.Struct("<QQ")
_FILES_AT = PAIR_BYTES + _UNUSED_BYTES
_COPY_AT = _FILES_AT + _files.size
"""Where the number's second copy is. Files of earlier versions end here."""
_SIZE = _COPY_AT + PAIR_BYTES
DAMAGED = "journal.mark cannot be read: it is not known whether records after these are lost"


class HighWaterMark:
    """A number in a file of a fixed size: to raise it is one write of a few bytes. Raises OSError."""

    def __init__(self, path: Path) -> None:
        made = path.with_name(MADE_FILE)
        is_new, is_first = not path.exists(), not made.exists()
        self._file = NumberFile(path, _SIZE)
        self._content = self._file.content
        is_empty = not any(self._content)
        self._is_lost = is_new and not is_first
        self._is_wiped = is_empty and not is_new and not is_first
        """Empty, or only zeros, though something was written: what a power cut may leave."""
        if is_empty and not self._is_wiped:
            stored_number.store(self._content, 0, _COPY_AT, 0)  # not only zeros: see ``_is_wiped``
            self._file.write()
            self._file.sync()
        touch_private(made)
        self._made_ns = made.stat().st_ctime_ns
        self._files: tuple[int, int] | None = None
        """The journal's inode and the ctime that the next ``raise_to`` writes; None: they are written."""

    def continues(self, journal: Path, last_n: int, before_n: int) -> bool:
        """Return whether the mark was written for this journal, whose last record is ``last_n``.

        ``before_n``: the last record before the journal's last commit.

        False where the mark is missing, removed or older, or where the files are copies. The journal may
        then be an older copy that was put back: its later records are lost. Raises DamagedNumberError.
        """
        self._files = journal.stat().st_ino, self._made_ns
        files = _files.unpack_from(self._content, _FILES_AT)
        if self._is_lost:
            return False
        if not any(files):  # written by a version that did not store them
            return self.n == last_n
        return files == self._files and self.n in {last_n, before_n}

    @property
    def n(self) -> int:
        """The number; 0 where none was written. Raises DamagedNumberError."""
        if self._is_wiped:
            raise DamagedNumberError
        return stored_number.load(self._content, 0, _COPY_AT)

    def raise_to(self, n: int) -> None:
        """Write the number. From now on the mark belongs to the files as they are now. Raises OSError."""
        stored_number.store(self._content, 0, _COPY_AT, n)
        if self._files is not None:
            _files.pack_into(self._content, _FILES_AT, *self._files)
            self._files = None
        self._file.write()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_number(path: Path) -> int:
    """Return the number in the file and do not change the file; 0 where there is none.

    Raises OSError, DamagedNumberError.
    """
    try:
        content = read_start(path, _SIZE)
    except FileNotFoundError:
        return 0
    if not any(content) and path.with_name(MADE_FILE).exists():
        raise DamagedNumberError
    return stored_number.load(content, 0, _COPY_AT)
