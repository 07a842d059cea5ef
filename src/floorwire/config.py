"""Settings: one frozen tree from defaults, a TOML file, the environment and flags, later over earlier."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from floorwire import settings_help
from floorwire.core.authorization import Scope
from floorwire.core.os_errors import reason
from floorwire.core.venue_names import VENUE_ID

ENVIRONMENT_PREFIX = "FLOORWIRE_"
FILE_BYTES = 1 << 20
"""The largest file of settings."""
MASTER_KEY = "FLOORWIRE_MASTER_KEY"
"""A secret. It is not a setting, because settings may be printed."""
NO_SETTINGS = frozenset({MASTER_KEY, "FLOORWIRE_URL", "FLOORWIRE_KEY", "FLOORWIRE_KEY_FILE", "FLOORWIRE_CA"})
"""Variables with our prefix that are no settings: commands use them to find a server and a key."""

Node: TypeAlias = "dict[str, Node] | str | int | float | bool | list[Node]"

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1024)]
Seconds = Annotated[float, Meta(gt=0)]
Amount = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Collar = Annotated[float, Meta(ge=0.000001, le=0.999999)]


class SettingsError(ValueError):
    """A setting does not exist or has a bad value. The message names it and its source."""


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one server, one address, one key and one connection: rate limits and counts."""

    connections: Annotated[
        Count,
        Meta(
            description="open connections, half-open ones included; fewer where `ulimit -n` leaves less room"
        ),
    ] = 20_000
    connections_per_address: Annotated[
        int,
        Meta(
            ge=0, description="open connections from one address; 0: all of them on loopback, 100 elsewhere"
        ),
    ] = 0
    handshakes_per_second: Annotated[
        Count, Meta(description="new connections a second, with five seconds' worth at once")
    ] = 2_000
    handshake_timeout_s: Annotated[
        Seconds,
        Meta(
            description="how long an HTTP connection may take for a head, a body, and until the next request"
        ),
    ] = 10.0
    handshakes_per_second_per_address: Annotated[
        int,
        Meta(ge=0, description="the same of one address; 0: as many as of all on loopback, 50 elsewhere"),
    ] = 0
    connections_per_key: Annotated[Count, Meta(description="open connections signed in with one key")] = 5_000
    logins_per_second_per_key: Annotated[
        Count, Meta(description="sign-ins a second with one key, with five seconds' worth at once")
    ] = 500
    commands_per_second_per_key: Annotated[
        int,
        Meta(
            ge=0,
            description="requests a second on all connections of one key, with five seconds' worth at once; "
            "0: ten times as many as on one connection",
        ),
    ] = 0
    commands_per_second: Annotated[
        Count, Meta(description="requests a second on one connection, with two seconds' worth at once")
    ] = 500
    message_bytes: Annotated[Bytes, Meta(description="the largest whole message a client may send")] = 65_536
    subscriptions: Annotated[Count, Meta(description="subscriptions that one connection may hold")] = 1_000


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait for one slow client (backpressure)."""

    bytes: Annotated[
        Bytes, Meta(description="bytes that wait for one connection before its on_slow contract holds")
    ] = 524_288
    kernel_bytes: Annotated[
        Bytes, Meta(description="send buffer asked of the kernel for one connection (Linux takes twice this)")
    ] = 131_072


class ResumeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each stream is kept for clients that resume."""

    bytes: Annotated[
        Bytes,
        Meta(description="bytes kept of one stream, and once more in MessagePack if clients resume in it"),
    ] = 1_048_576
    total_bytes: Annotated[
        Bytes, Meta(description="the same of all streams together; beyond it each one keeps less")
    ] = 1_073_741_824
    seconds: Annotated[
        Seconds, Meta(description="how long messages are kept, and a stream that nobody listens to")
    ] = 60.0


class PingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How dead peers are found."""

    interval_s: Annotated[
        Seconds, Meta(description="between two pings to one client, jittered by a tenth")
    ] = 20.0
    timeout_s: Annotated[Seconds, Meta(description="how long after a ping nothing may come back")] = 10.0


class DrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server shuts down."""

    seconds: Annotated[
        Seconds, Meta(description="over which connections are closed after SIGTERM, evenly paced")
    ] = 5.0


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a venue's silence means that its prices are not current, and how long they are streamed."""

    stale_s: Annotated[
        Seconds, Meta(description="silence of a venue, or of one of its links, after which its feed is stale")
    ] = 10.0
    linger_s: Annotated[
        float,
        Meta(ge=0, description="how long a live symbol is streamed after the last client has left it"),
    ] = 30.0


class ReplaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How recordings are played."""

    speed: Annotated[
        float, Meta(ge=0, description="1: as recorded, 10: ten times as fast, 0: as fast as possible")
    ] = 1.0
    loop: Annotated[bool, Meta(description="start again at the end")] = False


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS without a proxy. Both files are read again when they change."""

    cert: Annotated[str | None, Meta(description="PEM file with the certificate and its chain")] = None
    key: Annotated[str | None, Meta(description="PEM file with the certificate's key")] = None


class DoorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which web pages and proxies are trusted."""

    origins: Annotated[
        tuple[str, ...],
        Meta(description="web pages that may connect besides our own, such as https://desk.example"),
    ] = ()
    behind_proxy: Annotated[bool, Meta(description="a proxy in front of us does TLS")] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="addresses and networks whose X-Forwarded-For header is believed"),
    ] = ()


class JwtSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tokens (JWT) sign in. None do until the issuer, the audience and a key or secret are set."""

    issuer: Annotated[str | None, Meta(description="what a token's iss has to be")] = None
    audience: Annotated[str | None, Meta(description="what a token's aud has to name")] = None
    jwks: Annotated[
        str | None,
        Meta(
            description="file or https URL with the public keys (JWKS) for RS256 and ES256, read each minute"
        ),
    ] = None
    secret_file: Annotated[
        str | None, Meta(description="file, readable by its owner alone, with the shared secret for HS256")
    ] = None
    scopes: Annotated[
        tuple[Scope, ...], Meta(min_length=1, description="the most that a token may grant")
    ] = (Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)


class AuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who must sign in, and how."""

    market: Annotated[
        Literal["auto", "open", "key"],
        Meta(description="market data for everybody, or with a key; auto: open on loopback"),
    ] = "auto"
    jwt: JwtSettings = JwtSettings()


class StorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the journal of accounts and orders is kept."""

    waiting_records: Annotated[
        Count, Meta(description="records that may wait for the disk; orders beyond are refused")
    ] = 20_000
    snapshot_records: Annotated[
        Count, Meta(description="records after which the state is saved again, for a fast start")
    ] = 100_000
    memory_records: Annotated[
        Count, Meta(description="latest records kept for clients that come back, with journal=memory")
    ] = 200_000


class RiskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of accounts without their own. Admins set an account's limits while the server runs."""

    max_open_orders: Annotated[Count, Meta(description="open orders of one account")] = 1_000
    orders_per_second: Annotated[
        Count, Meta(description="orders and amends a second of one account, and as many at once")
    ] = 500
    max_order_notional: Annotated[
        float, Meta(ge=0, description="the most that one order may be worth, in quote currency; 0: anything")
    ] = 1_000_000
    price_collar: Annotated[
        float,
        Meta(
            ge=0.000001,
            le=0.999999,
            description="how far beyond the best opposite price an order may trade, as a fraction of it",
        ),
    ] = 0.05


class FeeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the simulated and the paper exchange charge, in the quote asset, as fractions of the turnover."""

    maker: Annotated[float, Meta(ge=0, lt=1, description="of what rested in the book")] = 0.0002
    taker: Annotated[float, Meta(ge=0, lt=1, description="of what traded at once")] = 0.0005


class PaperSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How orders trade on paper, where prices come from outside."""

    latency_us: Annotated[
        int, Meta(ge=0, description="how long an order, an amend or a cancel takes to the market, on paper")
    ] = 0


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether orders may go to real markets. The flag ``--live`` is needed too, at each start."""

    enabled: Annotated[
        bool, Meta(description="allow venues with orders = live; `serve --live` has to be given too")
    ] = False


class VenueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One venue instance, in ``[venues.ID]``. ``serve --venue ID`` runs it."""

    kind: Annotated[
        str,
        Meta(
            description="sim, replay, an exchange such as binance, ccxt:EXCHANGE; empty: the same as the id"
        ),
    ] = ""
    ws_url: Annotated[
        str | None, Meta(description="WebSocket address, where it is not the exchange's public one")
    ] = None
    rest_url: Annotated[
        str | None, Meta(description="HTTP address, where it is not the exchange's public one")
    ] = None
    source_address: Annotated[
        str | None, Meta(description="address of this machine that connections to the venue come from")
    ] = None
    symbols: Annotated[
        tuple[str, ...],
        Meta(description="only these symbols, as BASE-QUOTE; empty: the largest; of a recording all"),
    ] = ()
    file: Annotated[str | None, Meta(description="replay: the recording, a file or a folder")] = None
    adapter: Annotated[
        str | None, Meta(description="replay: the exchange, where the recording does not name it")
    ] = None
    record: Annotated[
        str | None, Meta(description="folder to record the venue's public messages in, both ways")
    ] = None
    orders: Annotated[
        Literal["paper", "live"], Meta(description="paper: filled here, against its prices; live: sent to it")
    ] = "paper"
    maker_fee: Annotated[Fraction | None, Meta(description="instead of fees.maker, for paper orders")] = None
    taker_fee: Annotated[Fraction | None, Meta(description="instead of fees.taker, for paper orders")] = None
    max_order_notional: Annotated[
        Amount | None, Meta(description="instead of risk.max_order_notional; 0: anything")
    ] = None
    price_collar: Annotated[Collar | None, Meta(description="instead of risk.price_collar")] = None
    account: Annotated[
        str,
        Meta(description="live orders: the account of ours that may place them; others are refused"),
    ] = ""
    dry_run: Annotated[
        bool,
        Meta(description="live orders: log what would be sent for an order, and do not send it"),
    ] = False
    order_ws_url: Annotated[
        str | None, Meta(description="live orders: their WebSocket address, where it is not ws_url")
    ] = None
    order_rest_url: Annotated[
        str | None, Meta(description="live orders: their HTTP address, where it is not rest_url")
    ] = None
    key: Annotated[str | None, Meta(description="live orders: the exchange's API key")] = None
    secret_env: Annotated[
        str | None, Meta(description="live orders: the environment variable that has the key's secret")
    ] = None
    secret_file: Annotated[
        str | None, Meta(description="live orders: the file with it, readable by its owner alone")
    ] = None
    passphrase_env: Annotated[
        str | None, Meta(description="live orders: the variable with the passphrase, where one is needed")
    ] = None
    cancel_all_after_s: Annotated[
        Annotated[int, Meta(ge=10, le=3_600)] | None,
        Meta(
            description="live orders at OKX (10 to 120) and Kraken (60 to 3600): so long after we are gone, "
            "the exchange cancels all open orders of the account, those of others too; null: it does not",
        ),
    ] = None
    tier: Annotated[
        Literal["starter", "intermediate", "pro"] | None,
        Meta(description="live orders at Kraken: the account's tier, which says how much may be sent"),
    ] = None


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
    risk: RiskSettings = RiskSettings()
    fees: FeeSettings = FeeSettings()
    paper: PaperSettings = PaperSettings()
    live: LiveSettings = LiveSettings()
    venues: Annotated[
        dict[str, VenueSettings], Meta(description="venue instances by id; ID stands for it below")
    ] = {}


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, Node | None] | None = None,
) -> Settings:
    """Return the settings of all sources, later over earlier: file, environment, ``name=value``, flags.

    Raises SettingsError for a name that does not exist or a value that does not fit, wherever it stands.
    """
    tree: dict[str, Node] = {}
    for source, part in (
        (str(file), _read(file) if file is not None else {}),
        ("the environment", _of_environment(environment or {})),
        ("--set", _of_assignments(assignments)),
        ("the command line", {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        _split_lists(part, Settings)
        _convert(part, source)
        merge(tree, part)
    return _convert(tree, "settings")


def _convert(tree: dict[str, Node], source: str) -> Settings:
    venues = tree.get("venues", {})
    if not isinstance(venues, dict):
        raise SettingsError(f"{source}: venues is a group: venues.ID.kind and so on")
    for venue, part in venues.items():
        _check_venue(venue, part, source)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {settings_help.explain(str(error), tree, Settings)}") from None


def _check_venue(venue: str, part: Node, source: str) -> None:
    """Check the settings of one venue by themselves, so that the message names the venue."""
    if not VENUE_ID.fullmatch(venue):
        raise SettingsError(
            f"{source}: venues.{venue[:40]}: the id of a venue has 1 to 32 of a-z 0-9 _ -, "
            "and begins with none of _ -"
        )
    if not isinstance(part, dict):
        raise SettingsError(f"{source}: venues.{venue} is a group: venues.{venue}.kind and so on")
    try:
        msgspec.convert(part, VenueSettings, strict=False)
    except msgspec.ValidationError as error:
        problem = settings_help.explain(str(error), part, VenueSettings)
        raise SettingsError(f"{source}: venues.{venue}.{problem}") from None


def _of_environment(environment: Mapping[str, str]) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NO_SETTINGS:
            put(tree, name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), text)
    return tree


def _of_assignments(assignments: Iterable[str]) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set takes name=value, not {assignment!r}")
        put(tree, name.strip().split("."), text)
    return tree


def _split_lists(tree: dict[str, Node], kind: type[msgspec.Struct]) -> None:
    """Make lists of texts with commas: the environment and ``--set`` can write lists in no other way."""
    given = tree.get("venue")
    if kind is Settings and isinstance(given, str):  # the options of one venue are written with commas
        tree["venue"] = [part.strip() for part in given.split(";") if part.strip()]
    for name, field in _fields(kind):
        value = tree.get(name)
        if isinstance(field, msgspec.inspect.StructType) and isinstance(value, dict):
            _split_lists(value, field.cls)
        elif isinstance(field, msgspec.inspect.DictType) and isinstance(value, dict):
            for part in value.values():
                if isinstance(part, dict):
                    _split_lists(part, VenueSettings)
        elif isinstance(field, msgspec.inspect.VarTupleType) and isinstance(value, str):
            tree[name] = [part.strip() for part in value.split(",") if part.strip()]


def _fields(kind: type[msgspec.Struct]) -> Iterable[tuple[str, msgspec.inspect.Type]]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        kind_of = field.type
        yield field.name, kind_of.type if isinstance(kind_of, msgspec.inspect.Metadata) else kind_of


def _read(file: Path) -> dict[str, Node]:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES + 1)
        if len(content) > FILE_BYTES:
            raise SettingsError(f"{file}: has more than {FILE_BYTES} bytes")
        return tomllib.loads(content.decode())
    except (OSError, ValueError) as error:  # no such file, no UTF-8, no TOML
        raise SettingsError(f"{file}: {reason(error)}") from None
    except RecursionError:
        raise SettingsError(f"{file}: lists and groups are nested too deeply") from None


def put(tree: dict[str, Node], path: list[str], value: Node) -> None:
    """Set the value at the path. Missing groups are made."""
    *above, last = path
    for name in above:
        child = tree.setdefault(name, {})
        if not isinstance(child, dict):
            raise SettingsError(f"settings: {name} is not a group")
        tree = child
    tree[last] = value


def merge(tree: dict[str, Node], over: Mapping[str, Node]) -> None:
    """Write the values of ``over`` into the tree, in place."""
    for name, value in over.items():
        below = tree.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            merge(below, value)
        else:
            tree[name] = value


PREFACE = """\
# Settings

Written by `make docs` from `src/floorwire/config.py`. A setting may stand in a TOML file
(`serve --config FILE`), in the environment, behind `--set`, and some have a flag of their own; the later of
these wins. An unknown name is an error. In the environment names are in upper case, groups end with two
underscores, and lists are written with commas between; several venues with semicolons (`sim;replay:FILE`).

    [limits]
    connections = 50000

    FLOORWIRE_LIMITS__CONNECTIONS=50000
    --set limits.connections=50000

"""


def describe() -> str:
    """Return docs/settings.md: every setting with its default and meaning."""
    rows = [PREFACE + "| name | default | meaning |", "| --- | --- | --- |"]
    rows += (f"| `{name}` | `{default}` | {text} |" for name, default, text in _rows(Settings, ""))
    return "\n".join(rows) + "\n"


def _rows(kind: type[msgspec.Struct], prefix: str) -> Iterable[tuple[str, str, str]]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        name = prefix + field.name
        if isinstance(field.type, msgspec.inspect.StructType):
            yield from _rows(field.type.cls, name + ".")
            continue
        if name == "venues":
            yield from _rows(VenueSettings, "venues.ID.")
            continue
        extra = field.type.extra_json_schema if isinstance(field.type, msgspec.inspect.Metadata) else None
        text = str((extra or {}).get("description", ""))
        yield name, msgspec.json.encode(field.default).decode(), text


if __name__ == "__main__":
    sys.stdout.write(describe())
