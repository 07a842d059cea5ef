"""The connections of a store: one writes, one reads, and one copies the log into the database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from floorwire.history import history_file
from floorwire.history.history_file import Connection

ROOM_BYTES: Final = 8 << 20
"""A disk that was full has to have so much room: with less, the next writes would fail again."""


class Connections(msgspec.Struct, frozen=True):
    """Open connections. In memory there is one for everything, and no log."""

    writing: Connection
    reading: Connection
    checkpointing: Connection | None

    @classmethod
    def open(cls, path: Path | None) -> Connections:
        """Open the file, which is made where it is missing; None: in memory.

        Raises HistoryFileError, OSError, sqlite3.Error.
        """
        writing = history_file.open_to_write(path)
        if path is None:
            return cls(writing, writing, None)
        return cls(writing, history_file.open_again(path), history_file.open_again(path))

    def close(self) -> None:
        """Close all. What is not committed is undone. Nothing may use them meanwhile."""
        for connection in (self.checkpointing, self.reading, self.writing):
            if connection is not None:
                connection.close()


def check_room(path: Path) -> None:
    """Raise OSError where there is no room beside the file."""
    with tempfile.TemporaryFile(dir=path.parent) as file:
        file.write(bytes(ROOM_BYTES))
