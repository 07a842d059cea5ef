"""The exit codes of all commands. docs/commands.md has the same table for users."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. Scripts may rely on these numbers."""

    DONE = 0
    """Done. For a change: it is durable. For a check: all is well."""
    FAILED = 1
    """The server refused it, or a check found something wrong. The message says what."""
    UNUSABLE = 2
    """Nothing was sent: an argument, a setting, a file, a folder, a key or an address cannot be used."""
    UNREACHED = 3
    """No answer, or no Floorwire there. If something was sent, the message says whether it may be done."""
    NOT_ALLOWED = 4
    """The key is wrong, or it may not do this."""
    INTERRUPTED = 130
    """Ended by Ctrl-C before it was done. A command that runs until Ctrl-C ends with 0."""
