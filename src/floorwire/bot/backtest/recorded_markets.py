"""The venues of a backtest: recordings that the setting ``venue`` names, played as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from floorwire.bot.backtest.market_tape import MarketTape, TapeDecoder, TapeVenue
from floorwire.config import ReplaySettings, Settings, SettingsError
from floorwire.connectors import recording, venue_registry
from floorwire.connectors.venue_specs import VenueSpec, specs
from floorwire.core.ports import TradingVenue
from floorwire.venues.paper import PaperVenue


class RecordedMarkets:
    """The recordings of a backtest. Raises SettingsError where a venue is none, or cannot be played."""

    def __init__(self, settings: Settings) -> None:
        self._settings = replace(settings, replay=ReplaySettings(speed=1, loop=False))
        self._specs = specs(settings)
        for spec in self._specs:
            if spec.recorded is None:
                raise SettingsError(
                    f"venue: {spec.given} is no recording; a backtest plays replay:FILE. "
                    f"To run a bot on it: floorwire serve --venue {spec.given}, then bot run without --venue"
                )
        self.begin_us = min(_recorded(spec).first_us for spec in self._specs)
        """Where time begins: all recordings begin together then."""
        self.length_us = max(_recorded(spec).last_us - _recorded(spec).first_us for spec in self._specs)

    def venues(self) -> Sequence[TradingVenue]:
        """Return venues that decode the recordings while they play them."""
        made = venue_registry.build(self._settings)
        return [venue for venue in made if isinstance(venue, PaperVenue)]

    def decoders(self) -> Iterator[TapeDecoder]:
        """Yield what decodes each recording once."""
        for spec in self._specs:
            recorded = _recorded(spec)
            stale_us = round(self._settings.feed.stale_s * 1_000_000)
            replay = recording.replay(recorded, spec.prefix, 1.0, stale_us=stale_us)
            yield TapeDecoder(replay, recorded.capabilities, recorded.first_us)

    def taped(self, tapes: Sequence[MarketTape]) -> Sequence[TradingVenue]:
        """Return venues that play what was decoded."""
        latency_us = self._settings.paper.latency_us
        return [
            PaperVenue(TapeVenue(tape), latency_us, spec.id, tape.capabilities)
            for tape, spec in zip(tapes, self._specs, strict=True)
        ]


def _recorded(spec: VenueSpec) -> recording.Playable:
    assert spec.recorded is not None, "it is a recording"
    return spec.recorded
