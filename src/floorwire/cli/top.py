"""``floorwire top``: a running server's own numbers, from its metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Final

import msgspec
import typer

from floorwire.cli.admin_client import AdminClient
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url, choose
from floorwire.cli.command_error import CommandError, exit_on_error
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, is_terminal, live_display, until_pipe_closes, write_json, write_line
from floorwire.cli.server_figures import Reading, ServerFigures, figures

METRICS: Final = "/metrics"
MAX_BYTES: Final = 64 << 20
"""Of the metrics: a thousand symbols have a few hundred KiB."""
NEEDS: Final = "the key needs the scope monitor: floorwire keys create --account NAME --scopes monitor"


def top(
    interval: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two readings.")] = 2.0,
    count: Annotated[int, typer.Option(min=0, help="End after so many lines; 0: at Ctrl-C.")] = 0,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Show a running server's own numbers, again and again.

    Rates are of the time between two readings. In a pipe, or with --json, one line a reading. From another
    machine it needs a key with the scope monitor.
    """
    with exit_on_error(), until_pipe_closes(), ExitStack() as stack:
        server = choose(url, key_file, ca, profile)
        client = AdminClient(server, server.key_or_none(), NEEDS)
        shown = live_display(stack) if is_terminal() and not json else None
        for number, one in enumerate(_readings(client, interval), 1):
            if shown is not None:
                shown.update(_table(one, server.url))
            elif json:
                write_json(msgspec.json.encode(one))
            else:
                if number == 1:
                    write_line("\t".join(one.cells()))
                write_line("\t".join(one.cells().values()))
            if number == count:
                return


def _readings(client: AdminClient, interval_s: float) -> Iterator[ServerFigures]:
    """Yield what happened between two readings, for ever. Raises CommandError."""
    before = _read(client)
    while True:
        time.sleep(interval_s)
        now = _read(client)
        yield figures(before, now)
        before = now


def _read(client: AdminClient) -> Reading:
    text = client.text(METRICS, MAX_BYTES)
    try:
        return Reading.parse(text, time.monotonic())
    except ValueError:
        raise CommandError("what answers there has no metrics of Floorwire", ExitCode.UNREACHED) from None


def _table(one: ServerFigures, title: str) -> Table:
    table = Table("what", "now", title=title, caption=one.warning())
    for name, cell in one.cells().items():
        table.add_row(name, cell)
    return table
