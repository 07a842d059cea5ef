"""``floorwire serve``: run a gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from floorwire import config
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.config import Node, Settings, SettingsError

Text = Annotated[str | None, typer.Option()]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder for what survives a restart.")] = None,
    venue: Annotated[
        list[str] | None,
        typer.Option(
            help="sim, replay:FILE[,adapter=NAME][,id=ID], an exchange, ccxt:EXCHANGE, or the ID of a "
            "\\[venues.ID]. "
            "May be given again; the first is the default venue."
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Allow orders to real markets; live.enabled has to be set too.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulated market.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="Of a replay: 1 as recorded, 0 as fast as possible.")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a replay again at its end.")] = False,
    echo: Annotated[bool, typer.Option("--echo", help="Serve /ws/echo.")] = False,
    tls_cert: Annotated[str | None, typer.Option(help="PEM file with the certificate and its chain.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="PEM file with the certificate's key.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front does TLS; see doors.trusted_proxies.")
    ] = False,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Say as one line of JSON where to connect.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting: limits.connections=20000.")
    ] = None,
) -> None:
    """Serve live prices on one port; without options, a simulated exchange on this machine."""
    flags: dict[str, Node | None] = {
        "host": host,
        "port": port,
        "data": data,
        "venue": list(venue) if venue else None,
        "seed": seed,
        "echo": echo or None,
        "log_level": log_level,
        "tls": {name: path for name, path in (("cert", tls_cert), ("key", tls_key)) if path is not None},
        "doors": {"behind_proxy": True} if behind_proxy else {},
        "replay": {
            **({"speed": speed} if speed is not None else {}),
            **({"loop": True} if loop else {}),
        },
    }
    try:
        settings = config.load(config_file, os.environ, assignments or (), flags)
        _serve(settings, live_flag=live, json=json)
    except SettingsError as error:
        fail(str(error), ExitCode.UNUSABLE)


def _serve(settings: Settings, *, live_flag: bool, json: bool) -> None:
    from floorwire.web.server import run

    run(settings, live_flag=live_flag, json=json)
