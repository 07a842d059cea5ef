"""What the commands print. All of it passes here: texts of others cannot act on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import typer
from rich import table as rich_table
from rich.box import HEAVY_HEAD, Box
from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.text import Text

from floorwire.core.printable import printable, printable_json

OUR_OWN = "\n\t"
"""The characters that our sentences and lines have."""
REFRESH_PER_SECOND: Final = 8


def echo(message: str | bytes, *, err: bool = False) -> None:
    """Print a line: a text for people, or JSON as bytes. ``err``: on standard error."""
    text = printable(message, OUR_OWN) if isinstance(message, str) else printable_json(message)
    typer.echo(text, err=err)


def write_line(line: str) -> None:
    """Write a line to standard output at once. Raises BrokenPipeError where nobody reads it any more."""
    sys.stdout.write(printable(line, OUR_OWN) + "\n")
    sys.stdout.flush()


def write_json(data: bytes) -> None:
    """Write JSON as a line, as ``write_line`` does."""
    write_line(printable_json(data))


@contextmanager
def until_pipe_closes() -> Iterator[None]:
    """End quietly where nobody reads the pipe any more, or at Ctrl-C: what runs for ever is then done."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def is_terminal() -> bool:
    """Return whether somebody looks at the output, so that a table can be drawn."""
    return Console().is_terminal


def live_display(stack: ExitStack) -> Live:
    """Return what shows a table that changes, until the stack ends."""
    return stack.enter_context(Live(console=Console(), refresh_per_second=REFRESH_PER_SECOND))


def print_table(table: Table) -> None:
    """Print a table."""
    Console().print(table)


class Table(rich_table.Table):
    """A table whose texts are shown as they are: no control characters, and no markup."""

    def __init__(
        self,
        *headers: str,
        title: str | None = None,
        caption: str | None = None,
        title_justify: JustifyMethod = "center",
        box: Box | None = HEAVY_HEAD,
        pad_edge: bool = True,
    ) -> None:
        """``caption`` may have several lines."""
        super().__init__(
            *headers,
            title=None if title is None else Text(printable(title), "table.title"),
            caption=None if caption is None else Text(printable(caption, "\n"), "table.caption"),
            title_justify=title_justify,
            box=box,
            pad_edge=pad_edge,
        )

    def add_row(self, *cells: str | None) -> None:  # type: ignore[override]
        """Add a row of texts."""
        super().add_row(*(None if cell is None else Text(printable(cell, "\n")) for cell in cells))
