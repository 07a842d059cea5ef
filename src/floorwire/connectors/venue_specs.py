"""Which venue instances the settings name: the id and the settings of each.

``venue`` lists them. An item is the id of a ``[venues.ID]``, ``sim``, the name of an exchange,
``ccxt:EXCHANGE`` or ``replay:FILE[,adapter=NAME][,id=ID]``. Without an id of its own, a recording has that of
its exchange; the second one of the same exchange gets ``-2``, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.connectors import recording
from floorwire.connectors.network_route import address_fault, is_private
from floorwire.connectors.recording_files import RecordingError
from floorwire.core.os_errors import sentence
from floorwire.core.venue_names import VENUE_ID

SIM = "sim"
REPLAY = "replay"
CCXT = "ccxt:"
"""Kinds of exchanges that ccxt streams are ``ccxt:EXCHANGE``. Their ids are ``ccxt-EXCHANGE``."""
WS_SCHEMES = ("wss", "ws")
REST_SCHEMES = ("https", "http")
OPTIONS = ("adapter", "id")
SAMPLE = "replay:FILE[,adapter=NAME][,id=ID]"


class VenueSpec(msgspec.Struct, frozen=True):
    """One venue instance of this process."""

    id: str
    kind: str
    settings: VenueSettings
    given: str
    """What the setting ``venue`` says."""
    recorded: recording.Playable | None = None
    """Of a replay."""

    @property
    def prefix(self) -> str:
        """What goes before each symbol of the venue, which makes it an identity."""
        return f"{self.id}:"

    @property
    def is_live(self) -> bool:
        """Whether orders go to a real market."""
        return self.settings.orders == "live"


def specs(settings: Settings) -> list[VenueSpec]:
    """Return the instances in order; the first is the default venue. Raises SettingsError."""
    found = [_spec(given, settings) for given in settings.venue]
    taken: set[str] = set()
    for spec in found:
        if spec.id and spec.id in taken:
            raise SettingsError(
                f"venue: {spec.given}: there is a venue {spec.id} already; give it another id"
            )
        taken.add(spec.id)
    named = []
    for spec in found:
        if not spec.id:
            assert spec.recorded is not None, "all others have an id"
            spec = msgspec.structs.replace(spec, id=_free(spec.recorded.adapter, taken))
            taken.add(spec.id)
        named.append(spec)
    return named


def _free(name: str, taken: Collection[str]) -> str:
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


def own_settings(venue: str, settings: Settings) -> VenueSettings:
    """Return the settings of an instance by its id. Their kind is empty where it is the id."""
    own = settings.venues.get(venue, VenueSettings())
    for given in settings.venue:
        if not own.kind and given.startswith(CCXT) and _ccxt_id(given) == venue:
            return msgspec.structs.replace(settings.venues.get(given, own), kind=given)
    return own


def _ccxt_id(given: str) -> str:
    return given.replace(":", "-")


def _ccxt(given: str, settings: Settings) -> VenueSpec:
    venue = _ccxt_id(given)
    if given == CCXT or not VENUE_ID.fullmatch(venue):
        raise SettingsError(f"venue: {given!r} names no exchange of ccxt, as in {CCXT}kucoin")
    configured = settings.venues.get(venue)
    if configured is not None and configured.kind not in ("", given):
        raise SettingsError(f"venue: {given}: [venues.{venue}] is of another kind, {configured.kind}")
    return _checked(VenueSpec(venue, given, own_settings(venue, settings), given))


def _spec(given: str, settings: Settings) -> VenueSpec:
    if given.startswith(CCXT):
        return _ccxt(given, settings)
    configured = settings.venues.get(given)
    if configured is not None:
        return _configured(given, configured)
    kind, colon, rest = given.partition(":")
    if kind == REPLAY and rest:
        return _replay(given, rest)
    if not colon and kind in kinds():
        return VenueSpec(kind, kind, VenueSettings(kind=kind), given)
    known = ", ".join((*kinds(), f"{CCXT}EXCHANGE", SAMPLE, *settings.venues))
    raise SettingsError(f"venue: {given!r} is none of {known}, and there is no [venues.{_quoted(given)}]")


def _quoted(given: str) -> str:
    return given if VENUE_ID.fullmatch(given) else "ID"


def _configured(venue: str, configured: VenueSettings) -> VenueSpec:
    kind = configured.kind or venue
    if kind == REPLAY:
        if configured.file is None:
            raise SettingsError(f"venues.{venue}.file: is missing; a replay plays a recording")
        return VenueSpec(venue, kind, configured, venue, _read(configured.file, configured.adapter))
    if kind not in kinds() and not kind.startswith(CCXT):
        known = ", ".join((*kinds(), f"{CCXT}EXCHANGE", REPLAY))
        raise SettingsError(f"venues.{venue}.kind: there is no kind {kind!r}; there are {known}")
    return _checked(VenueSpec(venue, kind, configured, venue))


def _checked(spec: VenueSpec) -> VenueSpec:
    if spec.settings.file is not None or spec.settings.adapter is not None:
        raise SettingsError(f"venues.{spec.id}: file and adapter are for kind = replay")
    _check_addresses(spec)
    return spec


def _check_addresses(spec: VenueSpec) -> None:
    own = spec.settings
    for name, url, schemes in (
        ("ws_url", own.ws_url, WS_SCHEMES),
        ("rest_url", own.rest_url, REST_SCHEMES),
        ("order_ws_url", own.order_ws_url, WS_SCHEMES),
        ("order_rest_url", own.order_rest_url, REST_SCHEMES),
    ):
        if url is None:
            continue
        fault = address_fault(url, schemes)
        if fault is None and spec.is_live and not is_private(url):
            fault = f"needs {schemes[0]}://: with live orders, nobody may read or change what is sent"
        if fault is not None:
            raise SettingsError(f"venues.{spec.id}.{name}: {fault}")


def _replay(given: str, rest: str) -> VenueSpec:
    file, options = _options(rest)
    venue = options.get("id", "")
    if "id" in options and not VENUE_ID.fullmatch(venue):
        raise SettingsError(f"venue: id={venue}: has 1 to 32 of a-z 0-9 _ -, and begins with none of _ -")
    adapter = options.get("adapter")
    configured = VenueSettings(kind=REPLAY, file=file, adapter=adapter)
    return VenueSpec(venue, REPLAY, configured, given, _read(file, adapter))


def _options(rest: str) -> tuple[str, dict[str, str]]:
    """Return the file and the options behind it. A file's name may have commas too."""
    options: dict[str, str] = {}
    while True:
        before, _, last = rest.rpartition(",")
        name, equals, value = last.partition("=")
        if not before or not equals or name not in OPTIONS or name in options:
            return rest, options
        options[name] = value
        rest = before


def _read(file: str, adapter: str | None) -> recording.Playable:
    try:
        return recording.read(Path(file), adapter or None)
    except (OSError, RecordingError) as error:
        raise SettingsError(f"venue: {sentence(error)}") from None


def kinds() -> Iterable[str]:
    """Return the kinds that need no file: the simulated market, and the exchanges that have an adapter."""
    return (SIM, *recording.exchanges())
