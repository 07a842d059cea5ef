"""The tree of all settings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from floorwire.config.access import AuthSettings, DoorSettings, TlsSettings
from floorwire.config.connections import (
    DrainSettings,
    LimitSettings,
    OutboxSettings,
    PingSettings,
    ResumeSettings,
)
from floorwire.config.history import HistorySettings
from floorwire.config.trading import (
    AccountSettings,
    FeeSettings,
    LiveSettings,
    PaperSettings,
    RiskSettings,
    StorageSettings,
)
from floorwire.config.venues import FeedSettings, ReplaySettings, VenueSettings


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port to listen on; 0: any free one")] = 8000
    data: Annotated[str, Meta(description="folder for what survives a restart")] = "~/.floorwire"
    venue: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description="venues, the first is the default: the ID of a [venues.ID], sim, the name of an "
            "exchange, ccxt:EXCHANGE, replay:FILE[,adapter=NAME][,id=ID]",
        ),
    ] = ("sim",)
    seed: Annotated[
        int | None, Meta(description="seed of the simulated market; none: another market at each start")
    ] = None
    echo: Annotated[bool, Meta(description="serve /ws/echo, for conformance tests")] = False
    journal: Annotated[
        Literal["sqlite", "memory"],
        Meta(description="where orders are kept; memory: faster, and forgotten at the end"),
    ] = "sqlite"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level that is logged")
    ] = "info"
    limits: LimitSettings = LimitSettings()
    outbox: OutboxSettings = OutboxSettings()
    resume: ResumeSettings = ResumeSettings()
    ping: PingSettings = PingSettings()
    drain: DrainSettings = DrainSettings()
    feed: FeedSettings = FeedSettings()
    replay: ReplaySettings = ReplaySettings()
    tls: TlsSettings = TlsSettings()
    doors: DoorSettings = DoorSettings()
    auth: AuthSettings = AuthSettings()
    storage: StorageSettings = StorageSettings()
    history: HistorySettings = HistorySettings()
    risk: RiskSettings = RiskSettings()
    accounts: AccountSettings = AccountSettings()
    fees: FeeSettings = FeeSettings()
    paper: PaperSettings = PaperSettings()
    live: LiveSettings = LiveSettings()
    venues: Annotated[
        dict[str, VenueSettings], Meta(description="venue instances by id; ID stands for it below")
    ] = {}
