"""Makes the venues that the settings name: ``sim``, ``replay:FILE,adapter=NAME``."""

from __future__ import annotations

import random
from pathlib import Path

import structlog

from floorwire.auth.traded_names import TradedNames
from floorwire.config import Settings, SettingsError
from floorwire.connectors import recording
from floorwire.core.os_errors import sentence
from floorwire.core.ports import Venue
from floorwire.venues import sim
from floorwire.venues.paper import PaperVenue

log = structlog.get_logger("floorwire.venues")


def build(settings: Settings) -> list[Venue]:
    """Return the venues that the settings name. Raises SettingsError."""
    kinds = [spec.partition(":")[0] for spec in settings.venue]
    if len(settings.venue) > 1 and "sim" in kinds:
        raise SettingsError("venue: the simulated market runs alone")
    built = [_build(spec, is_alone=len(settings.venue) == 1, settings=settings) for spec in settings.venue]
    names = [venue.name for venue in built]
    for index, name in enumerate(names):
        if name in names[:index]:
            one, other = settings.venue[names.index(name)], settings.venue[index]
            raise SettingsError(
                f"venue: {one} and {other} are both of {name}, and would be one market; play one"
            )
    return built


def traded_names(settings: Settings) -> TradedNames | None:
    """Return the names that the settings' venues trade; None where one of them does not say at its start.

    Raises SettingsError.
    """
    known = frozenset[str]()
    for spec in settings.venue:
        kind, _, rest = spec.partition(":")
        symbols = sim.symbols_traded() if kind == "sim" else _recorded_symbols(rest, settings)
        if not symbols:
            return None
        known |= symbols
    return TradedNames(known)


def _recorded_symbols(rest: str, settings: Settings) -> frozenset[str]:
    recorded = _read(rest)
    prefix = "" if len(settings.venue) == 1 else f"{recorded.adapter}:"
    return frozenset(prefix + symbol for symbol in recording.preview(recorded).symbols)


def _build(spec: str, *, is_alone: bool, settings: Settings) -> Venue:
    kind, _, rest = spec.partition(":")
    match kind:
        case "sim" if not rest:
            return sim.venue(random.Random(settings.seed))  # noqa: S311 - a market, not a secret
        case "replay" if rest:
            return _replay(rest, is_alone=is_alone, settings=settings)
        case _:
            raise SettingsError(f"venue: {spec!r} is neither sim nor replay:FILE[,adapter=NAME]")


def _replay(rest: str, *, is_alone: bool, settings: Settings) -> Venue:
    file, recorded = rest.partition(",adapter=")[0], _read(rest)
    _check(file, recorded)
    for skipped in recorded.skipped:
        lines = " ".join(skipped.lines)
        log.warning(
            "recording is not whole", file=file, reason=skipped.reason, count=skipped.count, lines=lines
        )
    log.info("recording", file=file, adapter=recorded.adapter, frames=recorded.frames)
    replay = recording.replay(
        recorded,
        prefix="" if is_alone else f"{recorded.adapter}:",
        speed=settings.replay.speed or None,
        loop=settings.replay.loop,
        stale_us=round(settings.feed.stale_s * 1_000_000),
    )
    return PaperVenue(replay, settings.paper.latency_us)


def _read(rest: str) -> recording.Recording:
    """Return the recording of ``FILE[,adapter=NAME]``. Raises SettingsError."""
    file, _, adapter = rest.partition(",adapter=")
    try:
        return recording.read(Path(file), adapter or None)
    except (OSError, recording.RecordingError) as error:
        raise SettingsError(f"venue: {sentence(error)}") from None


def _check(file: str, recorded: recording.Recording) -> None:
    """Refuse a recording of which nothing can be shown; warn where its first messages show nothing.

    Raises SettingsError.
    """
    if not recorded.frames:
        raise SettingsError(f"venue: {file}: has no message of an exchange")
    preview = recording.preview(recorded)
    if preview.is_shown:
        return
    skipped = ", ".join(f"{reason} {count}" for reason, count in preview.skipped.items()) or "nothing"
    if preview.frames == recorded.frames and sum(preview.skipped.values()) >= recorded.frames:
        raise SettingsError(
            f"venue: {file}: as of {recorded.adapter}, none of its {recorded.frames} messages can be shown "
            f"(left out: {skipped})"
        )
    log.warning("nothing comes of the beginning", file=file, messages=preview.frames, skipped=skipped)
