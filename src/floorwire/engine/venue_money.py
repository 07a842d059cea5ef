"""What money a venue has: paper money, which Floorwire alone counts, or real money; never both."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.account_events import MoneyKind, VenueMoneySet


class VenueMoneyError(ValueError):
    """A venue has paper money in the journal and would have real money now, or the other way."""

    def __init__(self, venue: str, known: MoneyKind) -> None:
        now = "live" if known == "paper" else "paper"
        super().__init__(
            f"venue {venue}: the journal has {known} money under this id, which {now} orders must never use; "
            f"give the venue another id, or use another data folder"
        )
        self.venue = venue


def opening_events(
    known: Mapping[str, MoneyKind], opened: Mapping[str, MoneyKind], stamp_us: int
) -> list[VenueMoneySet]:
    """Return the events of venues that open for the first time. ``known``: what the journal says.

    Raises VenueMoneyError where a venue had money of the other kind before.
    """
    for venue, money in opened.items():
        if known.get(venue, money) != money:
            raise VenueMoneyError(venue, known[venue])
    return [VenueMoneySet(venue, money, stamp_us) for venue, money in opened.items() if venue not in known]
