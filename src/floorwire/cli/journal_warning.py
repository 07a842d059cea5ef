"""A broken journal: what a server tells meanwhile is what stood when it failed, and is told as that."""

from __future__ import annotations

from collections.abc import Sequence

import typer

BROKEN = "broken"


def warn_where_broken(journal: str, in_doubt: Sequence[str] = ()) -> None:
    """Warn where the journal is broken, and of the changes that may have been made or not."""
    if journal != BROKEN:
        return
    typer.echo(
        "warning: the server cannot write its journal: this is what stood when that failed, orders are "
        "refused, and nothing can be changed until it can",
        err=True,
    )
    if in_doubt:
        typer.echo(f"warning: changed as it failed, and not certain: {', '.join(in_doubt)}", err=True)
