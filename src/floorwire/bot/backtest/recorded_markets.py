"""The venues of a backtest: recordings that the setting ``venue`` names, played as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from floorwire.bot.backtest.backtest_venue import BacktestVenue
from floorwire.bot.backtest.market_player import Batch, MarketPlayer
from floorwire.bot.bot import Bot
from floorwire.config import ReplaySettings, Settings, SettingsError
from floorwire.connectors import recording
from floorwire.connectors.venue_specs import VenueSpec, specs


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

    def venues(self) -> Sequence[BacktestVenue]:
        """Return the venues where a bot's orders are filled."""
        latency_us = self._settings.paper.latency_us
        return [BacktestVenue(spec.id, latency_us, _recorded(spec).capabilities) for spec in self._specs]

    def play(self, bot: Bot) -> Iterator[Batch]:
        """Decode the recordings; yield what they say, and what the bot is told. Raises BacktestError."""
        stale_us = round(self._settings.feed.stale_s * 1_000_000)
        replays = [
            (spec.id, recording.replay(_recorded(spec), spec.prefix, 1.0, stale_us=stale_us))
            for spec in self._specs
        ]
        return MarketPlayer(replays, self.begin_us, bot).batches()


def _recorded(spec: VenueSpec) -> recording.Playable:
    assert spec.recorded is not None, "it is a recording"
    return spec.recorded
