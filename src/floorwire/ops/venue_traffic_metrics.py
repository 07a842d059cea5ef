"""The metrics of links and requests to venues, and of the recordings of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from floorwire.core.venue_traffic import RecordingCounts, VenueTraffic

STATES = ("opening", "up", "down")


def venue_traffic(traffic: Mapping[str, VenueTraffic]) -> Iterator[Metric]:
    """Yield every metric. Venues without links have no samples."""
    states = GaugeMetricFamily(
        "floorwire_venue_links", "links to the venue, by state", labels=["venue", "state"]
    )
    opens = _of_links("opened", "times that the link came up")
    frames = _of_links("frames", "messages that came on the link")
    size = _of_links("bytes", "bytes of those messages")
    paused = _of_links("paused", "times that the link was not read because too much of it waited")
    requests = CounterMetricFamily(
        "floorwire_venue_requests", "HTTP requests that ended, by outcome", labels=["venue", "outcome"]
    )
    waiting = GaugeMetricFamily(
        "floorwire_venue_requests_under_way", "HTTP requests without an answer yet", labels=["venue"]
    )
    for venue, known in traffic.items():
        for state in STATES if known.links else ():
            states.add_metric([venue, state], sum(link.state == state for link in known.links.values()))
        for name, link in known.links.items():
            opens.add_metric([venue, name], link.opened)
            frames.add_metric([venue, name], link.frames)
            size.add_metric([venue, name], link.bytes)
            paused.add_metric([venue, name], link.paused)
        for outcome, count in known.answers.items():
            requests.add_metric([venue, outcome], count)
        if known.requested:
            waiting.add_metric([venue], known.requests_under_way)
    yield from (states, opens, frames, size, paused, requests, waiting)


def recordings(counts: Mapping[str, RecordingCounts]) -> Iterator[Metric]:
    """Yield every metric. Venues that are not recorded have no samples."""
    messages = CounterMetricFamily(
        "floorwire_recorded_messages", "messages of the venue that were recorded", labels=["venue"]
    )
    left_out = CounterMetricFamily(
        "floorwire_recording_left_out", "records that the disk had no time for", labels=["venue"]
    )
    failed = GaugeMetricFamily(
        "floorwire_recording_failed", "1 where recording ended by a fault of the disk", labels=["venue"]
    )
    for venue, known in counts.items():
        messages.add_metric([venue], known.messages)
        left_out.add_metric([venue], known.left_out)
        failed.add_metric([venue], float(known.is_failed))
    yield from (messages, left_out, failed)


def _of_links(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"floorwire_venue_link_{name}", text, labels=["venue", "link"])
