"""Reports as tables for people. ``--json`` prints the same for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from floorwire.cli.load.connect import ConnectReport
from floorwire.cli.load.fanout import FanoutReport
from floorwire.cli.load.interval import Interval
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.process import Memory
from floorwire.cli.load.rtt import RttReport
from floorwire.cli.load.stall import StallReport
from floorwire.cli.output import Table

NOTHING = "-"
QUANTILES: Mapping[str, Callable[[Percentiles], float]] = {
    "p50": lambda times: times.p50_us,
    "p90": lambda times: times.p90_us,
    "p99": lambda times: times.p99_us,
    "p99.9": lambda times: times.p999_us,
    "max": lambda times: times.max_us,
}


def fanout_table(report: FanoutReport) -> Table:
    """Return a table with one column of figures."""
    title = f"fanout: {report.opened} of {report.clients} clients x {report.subscriptions}, {report.url}"
    table = _table(title, ("measured",))
    _intervals(table, (report.interval,))
    _memory(table, report.server_memory)
    _endings(table, "clients lost", report.endings)
    return table


def stall_table(report: StallReport) -> Table:
    """Return a table with a column of figures for each of the three intervals."""
    clients = f"{report.opened} of {report.clients} clients"
    title = f"stall: {clients} beside {report.stalled.clients} stalled, {report.url}"
    table = _table(title, ("without", "with stalled", "without"))
    intervals = (report.before, report.during, report.after)
    _intervals(table, intervals)
    resident = (each.server_resident_bytes for each in intervals)
    table.add_row(
        "server's memory, MB", *(NOTHING if size is None else _figure(size / 1e6) for size in resident)
    )
    _endings(table, "clients lost", report.endings)
    stalled = report.stalled
    _endings(table, "stalled clients closed", stalled.endings)
    table.add_row("stalled clients got", f"{stalled.messages} messages, {stalled.received_bytes} bytes")
    table.add_row(
        "of these announced", f"{stalled.tally.conflated} conflated, {stalled.tally.skipped} skipped"
    )
    table.add_row("missing unannounced", str(stalled.tally.missing))
    return table


def rtt_table(report: RttReport) -> Table:
    """Return a table of the round trips' percentiles."""
    table = _table(f"rtt: {report.message} of {report.message_bytes} bytes, {report.url}", ("measured",))
    _percentiles(table, "round trip", (report.round_trips,))
    return table


def connect_table(report: ConnectReport) -> Table:
    """Return a table of how fast clients connected and were served."""
    table = _table(f"connect: {report.completed} clients, {report.url}", ("measured",))
    table.add_row("clients a second", f"{report.completed_per_second:.0f}")
    table.add_row("server CPU a client, us", _figure(report.server_us_per_client))
    _percentiles(table, "until subscribed", (report.until_subscribed,))
    _percentiles(table, "until first event", (report.until_first_event,))
    _endings(table, "failures", report.failures)
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _intervals(table: Table, intervals: Sequence[Interval]) -> None:
    table.add_row("deliveries a second", *(f"{one.deliveries_per_second:.0f}" for one in intervals))
    table.add_row(
        "bytes a delivery", *(_figure(one.received_bytes / max(1, one.deliveries)) for one in intervals)
    )
    table.add_row("server CPU a delivery, us", *(_figure(one.server_us_per_delivery, 2) for one in intervals))
    table.add_row("load generator's, us", *(_figure(one.load_us_per_delivery, 2) for one in intervals))
    _percentiles(table, "latency", [one.latency for one in intervals])
    table.add_row("events checked", *(str(one.tally.checked) for one in intervals))
    table.add_row(
        "conflated or skipped", *(str(one.tally.conflated + one.tally.skipped) for one in intervals)
    )
    table.add_row("missing unannounced", *(str(one.tally.missing) for one in intervals))
    table.add_row("repeated", *(str(one.tally.repeated) for one in intervals))


def _percentiles(table: Table, name: str, columns: Sequence[Percentiles | None]) -> None:
    table.add_row(f"{name}: count", *(str(one.count) if one else NOTHING for one in columns))
    for label, of in QUANTILES.items():
        table.add_row(f"{name}: {label}, us", *(_figure(of(one)) if one else NOTHING for one in columns))


def _memory(table: Table, memory: Memory | None) -> None:
    if memory is not None:
        table.add_row("server's memory before, MB", _figure(memory.before_bytes / 1e6))
        table.add_row("server's memory after, MB", _figure(memory.after_bytes / 1e6))
        table.add_row("growth a connection, KB", _figure(memory.growth_per_connection / 1e3))


def _endings(table: Table, name: str, endings: Mapping[str, int]) -> None:
    for reason, count in endings.items():
        table.add_row(f"{name}: {reason}", str(count))


def _figure(value: float | None, decimals: int = 1) -> str:
    return NOTHING if value is None else f"{value:.{decimals}f}"
