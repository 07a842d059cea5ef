"""Progress on a terminal, for whatever takes longer than a second. It leaves no trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from floorwire.core.printable import printable

AFTER_S: Final = 1.0
COUNTED_EACH: Final = 256
"""Counts are shown once in so many items: showing costs more than most items."""
ItemT = TypeVar("ItemT")


class Progress:
    """What is done at present. ``tell`` may be called from any thread."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = ""
        self._began_s = time.monotonic()

    def tell(self, done: str) -> None:
        """Say how far it is, such as ``1000 rows``."""
        self._done = done

    def counted(self, items: Iterable[ItemT], unit: str) -> Iterator[ItemT]:
        """Yield the items, and tell how many there were."""
        for number, item in enumerate(items, 1):
            yield item
            if number % COUNTED_EACH == 0:
                self.tell(f"{number} {unit}")

    def __rich__(self) -> str:
        seconds = round(time.monotonic() - self._began_s)
        parts = (self._what, self._done, f"{seconds} s")
        return printable(", ".join(part for part in parts if part)).replace("[", "\\[")


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show what the body does, from the first second on, if standard error is a terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    shown = Progress(what)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield shown
        return
    live = Live(
        Spinner("line", shown),
        console=console,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    later = threading.Timer(AFTER_S, live.start)
    later.daemon = True
    later.start()
    try:
        yield shown
    finally:
        later.cancel()
        later.join()
        live.stop()
