"""The composition root: makes the parts of a gateway and connects them."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal, TypeGuard

import structlog

from floorwire import channels
from floorwire.access.admission import MAX_REJECTED, Admission
from floorwire.access.authenticator import Authenticator
from floorwire.auth.client_address import is_loopback
from floorwire.auth.grant import GrantError, networks
from floorwire.auth.origin_policy import OriginError, OriginPolicy, normal_origin
from floorwire.backfill import Backfill, PastOf
from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, SettingsError
from floorwire.connectors import venue_registry
from floorwire.connectors.traffic_recorder import TrafficRecorder
from floorwire.core.account_events import MoneyKind
from floorwire.core.authorization import Principal
from floorwire.core.capabilities import Capabilities, HasCapabilities
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import DAY_US, MINUTE_US
from floorwire.core.notices import SecondPassed
from floorwire.core.os_errors import sentence
from floorwire.core.past_candles import TellsPast
from floorwire.core.ports import StreamsOnDemand, TradingVenue, Venue
from floorwire.core.refusal import Refusal
from floorwire.core.stream_interest import StreamInterest
from floorwire.core.venue_names import VenueNames
from floorwire.drain import Drain
from floorwire.feeds.live_feed import LiveFeed
from floorwire.feeds.trading_feed import TradingFeed
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.history.histories import MarketHistories
from floorwire.history.waiting_events import STORED
from floorwire.hub.connection import Connection
from floorwire.hub.hub import Hub
from floorwire.hub.liveness import Liveness, PingTiming
from floorwire.hub.market_subscriptions import MarketSubscriptions
from floorwire.hub.pings import Pings
from floorwire.live_orders import LiveOrders
from floorwire.ops import file_descriptors
from floorwire.ops.fault_log import FaultLog
from floorwire.ops.file_descriptors import DescriptorPlan, TooFewDescriptorsError
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.refusal_log import RefusalLog
from floorwire.ops.stats import Stats
from floorwire.protocol.codec import Codec
from floorwire.protocol.replies import VenueRow
from floorwire.protocol.session import Session, SessionLimits
from floorwire.storage.data_dir import (
    DataDir,
    DataDirError,
    JournalOpener,
    open_history,
    open_journal,
)
from floorwire.storage.database import DatabaseError
from floorwire.storage.folder_lock import FolderLock
from floorwire.trading.account_store import open_account_store
from floorwire.trading.configured_rules import trading_rules
from floorwire.trading.deposit_watcher import DepositWatcher
from floorwire.trading.desk import Desk
from floorwire.trading.remote_venue import RemoteVenue
from floorwire.trading.venue_router import VenueRouter
from floorwire.venues.live import LiveVenue
from floorwire.venues.paper import PaperVenue
from floorwire.venues.sim import SimVenue

HEARTBEAT_S = 1.0
PUBLIC_PER_ADDRESS = 100
PUBLIC_HANDSHAKES_PER_ADDRESS = 50
PAST_MEETS_US = 10_000_000
"""So long after the end of a simulated market's past it is heard at the latest."""

log = structlog.get_logger("floorwire.server")


class Gateway:
    """A whole gateway in one process: venues, hub, desk and connections. It works inside ``running()``.

    ``clock``: a clock for tests. Raises SettingsError if the data folder or the settings cannot be used.
    """

    def __init__(self, settings: Settings, venues: Sequence[Venue], clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock = clock or Clock()
        self.origin_policy = _origin_policy(settings)
        self.data_dir, self.authenticator = _authenticator(settings, self.origin_policy, clock)
        self._folder_lock: FolderLock | None = None
        self._is_running = False
        self._loop: asyncio.AbstractEventLoop | None = None
        """Looked up once: that is a system call."""
        self.stats = Stats()
        self.loop_stalls = LoopStalls(self.stats)
        self.refusal_log = RefusalLog(self.stats.refusals)
        self.fault_log = FaultLog(self.stats.faults)
        self.descriptors = _descriptors(settings)
        """How many connections there are file descriptors for."""
        self.admission = _admission(settings, self.descriptors)
        self._simulated = [venue for venue in venues if isinstance(venue, SimVenue)]
        live_venues = [venue for venue in venues if isinstance(venue, LiveVenue)]
        self._live_orders = LiveOrders(settings, live_venues, clock, self.stats, os.environ)
        money = _money(settings, venues)
        self.names = _names(settings, venues)
        """The names of symbols and assets: those of the first venue have no venue id."""
        self._interest = StreamInterest(_us(settings.feed.linger_s))
        self.history = _history(settings, venues, self.data_dir.folder)
        self.hub = Hub(
            channels.discover(),
            epoch=secrets.token_hex(4),
            resume_bytes=settings.resume.bytes,
            resume_total_bytes=settings.resume.total_bytes,
            resume_us=_us(settings.resume.seconds),
            clock=clock,
            at_turn_end=self._at_turn_end,
            stats=self.stats,
            names=self.names,
            venue_rows=[
                _venue_row(
                    venue,
                    self.names,
                    money.get(venue.name, "none"),
                    amends=self._live_orders.can_amend(venue.name),
                )
                for venue in venues
            ],
            interest=self._interest,
            history=self.history,
            is_filling=self._is_filling,
        )
        self._market_subscriptions = MarketSubscriptions(self.hub)
        self._bus = LocalBus()
        self._bus.subscribe(self.hub.publish, self.hub.flush_at_once)
        self._bus.subscribe(self.history.publish, kinds=STORED)
        venue_router = VenueRouter()
        remote_venues = self._live_orders.venues
        self.desk = _desk(settings, venue_router, self.hub, clock, self.loop_stalls, money, remote_venues)
        self._deposits = DepositWatcher(self.data_dir.keys, self.desk.deposit, self.desk.credited)
        self.authenticator.keys.before_change = self._deposits.poll
        self._recorders: list[TrafficRecorder] = []
        self._feeds = [self._feed(venue) for venue in venues]
        trading_feeds = {feed.name: feed for feed in self._feeds if isinstance(feed, TradingFeed)}
        venue_router.set_venues(trading_feeds, remote_venues)
        self.backfill = self._make_backfill(venues)
        self._live_orders.connect(
            {feed.name: feed.prices for feed in self._feeds if isinstance(feed, LiveFeed)}
        )
        self._liveness = Liveness(
            PingTiming(_us(settings.ping.interval_s), _us(settings.ping.timeout_s)), random.random
        )
        self._pings = Pings(self._liveness, self.loop_stalls, clock)
        self.drain = Drain(self.desk, self.hub, clock, settings.drain.seconds)
        self._limits = SessionLimits(settings.limits.commands_per_second, settings.limits.subscriptions)

    def _is_filling(self, symbol: str) -> bool:
        return self.backfill.is_filling(symbol)

    def _at_turn_end(self, call: Callable[[], None]) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(call)

    def _feed(self, venue: Venue) -> VenueFeed:
        stale_us = _us(self.settings.feed.stale_s)
        recorder = venue_registry.recorder(venue.name, self.settings, self.clock.stamp_us)
        if recorder is not None:
            self._recorders.append(recorder)
            self.stats.recordings[venue.name] = recorder.counts
        connector = venue_registry.connector(venue.name, self.settings, recorder)
        self.stats.traffic[venue.name] = connector.traffic
        interest = self._interest if recorder is None else None  # what is recorded is followed whole
        if isinstance(venue, LiveVenue):
            return LiveFeed(venue, self._bus, self.stats, self.clock, stale_us, self.desk, connector)
        if _is_trading_venue(venue):
            return TradingFeed(
                venue, self._bus, self.stats, self.clock, stale_us, self.desk, connector, interest
            )
        return VenueFeed(venue, self._bus, self.stats, self.clock, stale_us, connector, interest)

    def _make_backfill(self, venues: Sequence[Venue]) -> Backfill:
        minutes_us = round(self.settings.history.past_days * DAY_US)
        trades_us = round(self.settings.history.past_trades_minutes * MINUTE_US)
        told = [
            (
                feed,
                PastOf(
                    venue.past_intervals if minutes_us else (),
                    minutes_us,
                    trades_us if venue.tells_past_trades else 0,
                ),
            )
            for feed, venue in zip(self._feeds, venues, strict=True)
            if isinstance(venue, TellsPast)
        ]
        asked = [(feed, past) for feed, past in told if past.intervals or past.trades_us]
        return Backfill(asked, self.history, self.clock)

    @property
    def feeds(self) -> Sequence[VenueFeed]:
        """The feed of each venue, the default one first."""
        return self._feeds

    def lock_data_folder(self) -> None:
        """Lock the data folder until the gateway has run. Again: nothing happens.

        Raises SettingsError where another server uses the folder, or another version made its journal.
        """
        if self._folder_lock is None:
            try:
                self._folder_lock = self.data_dir.lock()
            except DataDirError as error:
                raise SettingsError(f"data folder: {error}") from None

    @property
    def is_running(self) -> bool:
        """Return whether ``running()`` runs, which all parts need."""
        return self._is_running

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Gateway]:
        """Run the gateway while the body runs, and then drain it. Raises SettingsError as its parts do."""
        self.lock_data_folder()
        try:
            async with self._tasks():
                self._is_running = True
                yield self
        finally:
            self._is_running, self._loop = False, None
            self.history.close()
            if self._folder_lock is not None:
                self._folder_lock.close()
                self._folder_lock = None

    @asynccontextmanager
    async def _tasks(self) -> AsyncIterator[None]:
        await self.desk.open()
        if self.desk.venue_money_error is not None:
            await self.desk.close()
            raise SettingsError(str(self.desk.venue_money_error))
        self._deposits.load()
        try:
            self._start_recorders()
            await self._open_history()
        except SettingsError:
            await self.desk.close()
            raise
        async with asyncio.TaskGroup() as tasks:
            owned = [tasks.create_task(feed.run()) for feed in self._feeds]
            owned += [tasks.create_task(recorder.run()) for recorder in self._recorders]
            owned += [tasks.create_task(connector.run()) for connector in self._live_orders.connectors]
            owned += [
                tasks.create_task(run)
                for run in (
                    self._run_heartbeat(),
                    self.loop_stalls.run(),
                    self._pings.run(),
                    self.authenticator.run(),
                    self.desk.run(),
                    self._deposits.run(),
                    self.backfill.run(),
                )
            ]
            try:
                yield
                await self.drain.run()
            finally:
                await self.desk.close()
                await self.hub.history_reads.close()
                for recorder in self._recorders:  # before the links are closed: the venues did not lose them
                    recorder.end()
                for task in owned:
                    task.cancel()

    async def _open_history(self) -> None:
        try:
            await asyncio.to_thread(self.history.open)
        except OSError as error:
            raise SettingsError(f"market history: {sentence(error)}") from None
        until_us = self.clock.wall_us()
        for venue in self._simulated:
            await asyncio.to_thread(self._prepare_simulated, venue, until_us)

    def _prepare_simulated(self, venue: SimVenue, until_us: int) -> None:
        """Let a simulated market go on from its last prices; give it a past at its first start."""
        prices = self.history.last_prices(venue.name)
        venue.continue_from(prices)
        if prices or not self.settings.history.simulated_past:
            return
        seed = None if self.settings.seed is None else f"{self.settings.seed} {venue.name} past"
        rng = random.Random(seed)  # noqa: S311 - a market, not a secret
        for one in venue.past(rng, until_us):
            # The market misses nothing from its start on, until its history knows that.
            self.history.put_past(one.profile.instrument(venue.name), one.candles, until_us + PAST_MEETS_US)

    def _start_recorders(self) -> None:
        try:
            for recorder in self._recorders:
                recorder.start()
        except OSError as error:
            raise SettingsError(f"recording: {sentence(error)}") from None

    def connection(self, codec: Codec, default_channel: str | None, principal: Principal) -> Connection:
        """Return the peer for the wire of a new client."""
        session = Session(codec, default_channel, self.hub.market, self._limits, principal)
        return Connection(
            self.hub,
            session,
            self._liveness,
            self.authenticator,
            self.desk,
            self._market_subscriptions,
            self.settings.outbox.bytes,
        )

    def outbox_bytes(self) -> int:
        """Return the bytes that wait in the outboxes of slow clients."""
        boxes = (subscriber.outbox for subscriber in self.hub.subscribers)
        return sum(box.size for box in boxes if box.blocked)

    def key_faults(self) -> dict[str, int]:
        """Return what is wrong with keys.db: a number for each kind, 0 where nothing is wrong."""
        return {**self.authenticator.keys.faults(), "unverified_deposits": self._deposits.unverified}

    async def _run_heartbeat(self) -> None:
        due = asyncio.get_running_loop().time()
        while True:
            due += HEARTBEAT_S
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            self.stats.loop_lag.observe(max(0, int((asyncio.get_running_loop().time() - due) * 1e6)))
            self.refusal_log.write_due(self.clock.monotonic_us())
            self.hub.notify(SecondPassed(self.clock.stamp_us()))
            self.hub.sweep()


def _origin_policy(settings: Settings) -> OriginPolicy:
    access = settings.doors
    try:
        proxies = networks("doors.trusted_proxies", access.trusted_proxies)
        origins = frozenset(map(normal_origin, access.origins))
    except OriginError as error:
        raise SettingsError(f"doors.origins: {error}") from None
    except GrantError as error:
        raise SettingsError(str(error)) from None
    return OriginPolicy(
        is_local=is_loopback(settings.host) and not access.behind_proxy and not proxies,
        origins=origins,
        proxies=proxies,
        has_tls_in_front=access.behind_proxy,
    )


def _authenticator(
    settings: Settings, origin_policy: OriginPolicy, clock: Clock
) -> tuple[DataDir, Authenticator]:
    try:
        data_dir = DataDir(Path(settings.data), os.environ)
        return data_dir, Authenticator(settings, data_dir, clock, is_local=origin_policy.is_local)
    except (DataDirError, DatabaseError, OSError) as error:
        raise SettingsError(f"data folder: {error}") from None


def _names(settings: Settings, venues: Sequence[Venue]) -> VenueNames:
    """Return the names that clients use. Bare names never mean a real market, unless it is the default."""
    default = venues[0].name if venues else ""
    live = [venue for venue, configured in settings.venues.items() if configured.orders == "live"]
    return VenueNames(default, live)


def _history(settings: Settings, venues: Sequence[Venue], folder: Path) -> MarketHistories:
    on_demand = [
        venue.name for venue in venues if isinstance(venue, StreamsOnDemand) and venue.streams_on_demand
    ]
    replays = [venue.name for venue in venues if isinstance(venue, PaperVenue) and venue.plays_recording]
    return MarketHistories(settings.history, folder, on_demand, replays)


def _money(settings: Settings, venues: Sequence[Venue]) -> dict[str, MoneyKind]:
    """Return what money each venue has that takes orders."""
    return {
        venue.name: settings.venues[venue.name].orders if venue.name in settings.venues else "paper"
        for venue in venues
        if _is_trading_venue(venue) or isinstance(venue, LiveVenue)
    }


def _venue_row(
    venue: Venue, names: VenueNames, orders: Literal["paper", "live", "none"], *, amends: bool
) -> VenueRow:
    can = venue.capabilities if isinstance(venue, HasCapabilities) else Capabilities(venue.name)
    return VenueRow(
        venue=venue.name,
        kind=can.kind,
        default=venue.name == names.default,
        orders=orders,
        amends=can.amends_orders or amends,
        streams=can.streams,
        book_depth=can.book_depth,
        candle_intervals=can.candle_intervals,
        order_types=() if orders == "none" else can.order_types,
        times_in_force=() if orders == "none" else can.times_in_force,
    )


def _is_trading_venue(venue: Venue) -> TypeGuard[TradingVenue]:
    return hasattr(venue, "execute")


def _desk(
    settings: Settings,
    venue_router: VenueRouter,
    hub: Hub,
    clock: Clock,
    loop_stalls: LoopStalls,
    money: Mapping[str, MoneyKind],
    remote_venues: Mapping[str, RemoteVenue],
) -> Desk:
    names = hub.market.names
    rules = trading_rules(settings, names.default)
    open_accounts = partial(
        open_account_store, JournalOpener(partial(open_journal, settings)).open, rules, venue_router.prices
    )
    symbols = hub.market.symbols
    storage = settings.storage

    def resolve(text: str) -> Instrument | None:
        found = symbols.resolve(text)
        # Until the default venue has listed its own, no other venue gets orders for a bare name.
        is_elsewhere = found is None or found.venue != names.default
        if is_elsewhere and venue_router.is_waiting_for(names.identity(text)):
            message = "the venue has not listed its symbols yet"
            raise Refusal(Code.VENUE_UNAVAILABLE, message, {"symbol": text})
        return found

    return Desk(
        open_accounts,
        venue_router,
        resolve,
        lambda: symbols,
        clock,
        storage,
        loop_stalls,
        hub.turns,
        names,
        money,
        remote_venues,
        partial(open_history, settings),
        settings.accounts.currency,
        {own.account: venue for venue, own in settings.venues.items() if own.account},
    )


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _descriptors(settings: Settings) -> DescriptorPlan:
    wanted = DescriptorPlan(settings.limits.connections, MAX_REJECTED)
    allowed = file_descriptors.allowed()
    try:
        plan = file_descriptors.plan(allowed, wanted)
    except TooFewDescriptorsError as error:
        raise SettingsError(str(error)) from None
    if plan.connections < wanted.connections:
        log.info(
            "fewer connections than limits.connections: raise `ulimit -n`",
            connections=plan.connections,
            wanted=wanted.connections,
            open_files=allowed,
        )
    return plan


def _admission(settings: Settings, descriptors: DescriptorPlan) -> Admission:
    limits, is_local = settings.limits, is_loopback(settings.host)
    return Admission(
        descriptors.connections,
        limits.connections_per_address or (descriptors.connections if is_local else PUBLIC_PER_ADDRESS),
        limits.handshakes_per_second,
        limits.handshakes_per_second_per_address
        or (limits.handshakes_per_second if is_local else PUBLIC_HANDSHAKES_PER_ADDRESS),
        descriptors.rejected,
    )
