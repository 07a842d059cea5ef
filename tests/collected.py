"""A server that says what only the garbage collector could free.

``python tests/collected.py FOUND SETTING...``: once a second it writes to the file ``FOUND`` the names of the
classes of ours and of picows of which such objects were found so far, one a line, and how often.
"""

from __future__ import annotations

import gc
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers import Server

OURS = ("floorwire", "picows")


@contextmanager
def collected(folder: Path, *assignments: str) -> Iterator[tuple[Server, Path]]:
    """Run a server over the data folder; yield it, and the file of what it finds."""
    from tests.servers import forked  # not at the top: the server has no path to the tests

    found = folder / "found"
    with forked("-P", __file__, str(found), f"data={folder}", *assignments) as server:
        yield server, found


def _main() -> None:
    from floorwire import config
    from floorwire.hub.hub import Hub
    from floorwire.venues import sim
    from floorwire.web.server import serve

    path, *assignments = sys.argv[1:]
    settings = config.load(None, {}, ["port=0", "drain.seconds=0.1", *assignments])
    sweep = Hub.sweep

    def look(hub: Hub) -> None:
        sweep(hub)
        gc.set_debug(gc.DEBUG_SAVEALL)  # What a collection finds is kept in gc.garbage.
        gc.collect()
        kinds = [f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage]
        counts = Counter(kind for kind in kinds if kind.startswith(OURS))
        lines = [f"{count} {kind}\n" for kind, count in counts.most_common()]
        Path(path).with_suffix(".new").write_text("".join(lines))
        Path(path).with_suffix(".new").replace(path)

    setattr(Hub, "sweep", look)  # noqa: B010 - mypy takes no new method
    serve(settings, [sim.venue(random.Random(7), ("BTC-USDT",))])


if __name__ == "__main__":
    _main()
