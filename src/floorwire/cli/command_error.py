"""What ends a command: a sentence for people, and an exit code for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo


class CommandError(Exception):
    """The command cannot go on. The message is the sentence that is printed."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def fail(message: str, exit_code: ExitCode) -> NoReturn:
    """Print the sentence on standard error, and end the command."""
    echo(f"floorwire: {message}", err=True)
    raise typer.Exit(exit_code) from None


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Where the body raises CommandError, print its sentence and end with its code."""
    try:
        yield
    except CommandError as error:
        fail(str(error), error.exit_code)
