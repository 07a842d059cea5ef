"""The report of a run, and of a sweep, as pages of HTML. They are whole: no script, nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from floorwire.bot import equity_plot
from floorwire.bot.run_report import RunReport
from floorwire.core.dates import rfc3339

SHOWN_FILLS: Final = 500
SHOWN_LINES: Final = 500
STYLE: Final = """
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}
body{color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0}
td,th{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid #e3e7ee;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto}svg text{font-size:11px;fill:#5b6675}
.grid{stroke:#e3e7ee}.zero{stroke:#8a94a3}.profit{fill:none;stroke:#0b63ce;stroke-width:1.5}.exposure{fill:#f0c36d;opacity:.5}
.warn{background:#fff3d6;padding:.5rem 1rem}
@media(prefers-color-scheme:dark){body{background:#12161c;color:#e4e8ee}td,th{border-color:#2b333f}.grid{stroke:#2b333f}
svg text{fill:#9aa5b4}.profit{stroke:#5aa2ff}.warn{background:#3a2f14}}
"""


def run_page(report: RunReport) -> str:
    """Return the page of one run."""
    return _page(f"{report.bot}: {report.mode}", _run_parts(report))


def sweep_page(reports: Sequence[RunReport], links: Sequence[str]) -> str:
    """Return the page of a sweep: a row for each run, the best profit first. ``links``: to their pages."""
    return _page(f"{reports[0].bot}: {len(reports)} runs", _sweep_parts(reports, links))


def _page(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _run_parts(report: RunReport) -> Iterator[str]:
    if report.ending:
        yield f'<p class="warn">{escape(report.ending)}</p>'
    yield _table(
        ("", ""),
        [
            ("Prices", report.source),
            ("Symbols", ", ".join(report.symbols)),
            (
                "Parameters",
                ", ".join(f"{name}={value}" for name, value in report.parameters.items()) or "none",
            ),
            ("From", rfc3339(report.begin_us)),
            ("To", rfc3339(report.end_us)),
            ("Seed", str(report.seed)),
            ("Events of the market", f"{report.events:,}"),
            ("Fills", f"{report.fills:,}"),
            ("Fees", ", ".join(f"{fee} {asset}" for asset, fee in report.fees.items()) or "none"),
            ("Left at the end", ", ".join(f"{left} {symbol}" for symbol, left in report.positions.items())),
            ("Orders", ", ".join(f"{count:,} {event}" for event, count in report.orders.items()) or "none"),
            (
                "Refused for",
                ", ".join(f"{code} {count:,}" for code, count in report.refusals.items()) or "none",
            ),
            ("Latency of orders", _latency(report)),
        ],
        numbers=0,
    )
    for money in report.money:
        yield f"<h2>Profit in {escape(money.asset)}</h2>"
        yield _table(
            ("profit", "turnover", "greatest drawdown", "largest exposure", "time exposed"),
            [
                (
                    money.profit,
                    money.turnover,
                    money.max_drawdown,
                    money.max_exposure,
                    f"{money.exposed_share:.1%}",
                )
            ],
            numbers=5,
        )
        yield equity_plot.svg(money.points, money.asset)
        yield "<p>Line: profit, fees included, positions at the last prices. Area: exposure.</p>"
    yield from _fills(report)
    if report.lines:
        yield "<h2>Log of the bot</h2>"
        yield _table(
            ("time", "line"),
            [(rfc3339(ts_us), text) for ts_us, text in report.lines[-SHOWN_LINES:]],
            numbers=0,
        )


def _fills(report: RunReport) -> Iterator[str]:
    if not report.last_fills:
        return
    shown = report.last_fills[-SHOWN_FILLS:]
    which = "all" if len(shown) == report.fills else f"the last {len(shown)} of {report.fills:,}"
    yield f"<h2>Fills</h2><p>{which}; <code>fills.csv</code> has them too.</p>"
    yield _table(
        ("time", "symbol", "side", "liquidity", "price", "quantity", "fee"),
        [
            (
                rfc3339(fill.time),
                fill.symbol,
                fill.side,
                fill.liquidity,
                fill.price,
                fill.quantity,
                f"{fill.fee} {fill.fee_asset}",
            )
            for fill in shown
        ],
        numbers=3,
    )


def _sweep_parts(reports: Sequence[RunReport], links: Sequence[str]) -> Iterator[str]:
    names = list(reports[0].parameters)
    assets = [money.asset for money in reports[0].money]
    heads = [*names, "fills", *(f"{what}, {asset}" for asset in assets for what in ("profit", "drawdown"))]
    rows = sorted(zip(reports, links, strict=True), key=lambda pair: -best_first(pair[0]))
    yield (
        "<table><tr><th>run</th>" + "".join(f'<th class="n">{escape(head)}</th>' for head in heads) + "</tr>"
    )
    for report, link in rows:
        cells = [*(report.parameters[name] for name in names), f"{report.fills:,}"]
        for money in report.money:
            cells += [money.profit, money.max_drawdown]
        yield (
            f'<tr><td><a href="{escape(link)}">{escape(link.partition("/")[0])}</a></td>'
            + "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
            + "</tr>"
        )
    yield "</table>"


def best_first(report: RunReport) -> float:
    """Return what sweeps are sorted by: the profit in the first quote asset."""
    return float(report.money[0].profit) if report.money else 0.0


def _latency(report: RunReport) -> str:
    if report.set_latency_us is not None:
        return f"as set: {report.set_latency_us / 1_000:.3f} ms to the market"
    latency = report.latency
    if latency is None:
        return "no order was accepted"
    return (
        f"measured: median {latency.median_us / 1_000:.3f} ms, 99% below {latency.p99_us / 1_000:.3f} ms, "
        f"most {latency.max_us / 1_000:.3f} ms"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> str:
    """Return a table. The last ``numbers`` columns are figures."""
    first = len(heads) - numbers

    def cell(tag: str, column: int, text: str) -> str:
        kind = ' class="n"' if column >= first else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    lines = ["<tr>" + "".join(cell("th", *one) for one in enumerate(heads)) + "</tr>"] if any(heads) else []
    lines += ["<tr>" + "".join(cell("td", *one) for one in enumerate(row)) + "</tr>" for row in rows]
    return "<table>" + "\n".join(lines) + "</table>"
