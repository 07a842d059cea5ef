"""Words for failures of the operating system. Its own (``[Errno 2] No such file``) are for programmers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

REASONS: Final[Mapping[type[OSError], str]] = {
    FileNotFoundError: "there is no such file or folder",
    PermissionError: "this user may not",
    IsADirectoryError: "it is a folder",
    NotADirectoryError: "a part of this path is a file",
    FileExistsError: "there is something else of that name",
    ConnectionRefusedError: "nothing listens there",
    ConnectionResetError: "the connection was cut",
    TimeoutError: "no answer in time",
}
NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


def reason(error: Exception) -> str:
    """Return why it failed, without the path and the number. Other errors say that themselves."""
    if not isinstance(error, OSError):
        return str(error)
    number = NUMBER.search(str(error)) if error.errno is None else None
    if number is not None:  # asyncio joins the errors of several addresses in one text
        error = OSError(int(number[1]), os.strerror(int(number[1])))
    return REASONS.get(type(error)) or error.strerror or str(error) or type(error).__name__


def root(error: BaseException) -> OSError | None:
    """Return the system's own error below those that libraries raised because of it; None: there is none."""
    found = None
    cause: BaseException | None = error
    while cause is not None:  # some of them are raised "from None"
        if isinstance(cause, OSError):
            found = cause
        if isinstance(cause, BaseExceptionGroup):  # one for each address of a host
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or cause.__context__
    return found


def sentence(error: Exception) -> str:
    """Return the file, where the error names one, and the reason."""
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        return f"{os.fsdecode(error.filename)}: {reason(error)}"
    return reason(error)
