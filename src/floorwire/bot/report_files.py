"""Writes reports: ``report.html``, ``report.json`` and ``fills.csv`` of each run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import msgspec

from floorwire.bot import report_page
from floorwire.bot.run_report import RunReport
from floorwire.protocol.account_rows import FillRow


def write_run(folder: Path, report: RunReport) -> Path:
    """Write the files of one run into the folder; return the page. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    page.write_text(report_page.run_page(report), encoding="utf-8")
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    with (folder / "fills.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FillRow.__struct_fields__)
        for fill in report.last_fills:
            writer.writerow([getattr(fill, name) for name in FillRow.__struct_fields__])
    return page


def write_sweep(folder: Path, reports: Sequence[RunReport]) -> Path:
    """Write each run into a folder of its own, and a page over all; return that. Raises OSError."""
    links = []
    for number, report in enumerate(reports, 1):
        write_run(folder / f"run-{number}", report)
        links.append(f"run-{number}/report.html")
    page = folder / "report.html"
    page.write_text(report_page.sweep_page(reports, links), encoding="utf-8")
    return page
