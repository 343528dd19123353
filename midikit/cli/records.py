"""The ledger's rows as a table, in words and as plain values."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from midikit.cli.report import MOST_LINES
from midikit.cli.table import Column
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.cli.report import Report
    from midikit.fetch.archive import Record

__all__ = ["moment", "print_records", "record_row"]

_COLUMNS = (
    Column("clip id", least=12),
    Column("state"),
    Column("calls", right=True),
    Column("last call (UTC)"),
    Column(".mid"),
)


def record_row(record: Record) -> dict[str, Any]:
    """Put a record into plain values for JSON.

    Parameters
    ----------
    record : Record
        The record.

    Returns
    -------
    dict
        Its fields by name; a time that there is none of is None, and ``held`` tells whether
        somebody is fetching it.
    """
    row = asdict(record)
    row["held"] = bool(row.pop("owner"))
    for name in ("sent", "changed"):
        row[name] = row[name] if isfinite(row[name]) else None
    return row


def print_records(report: Report, records: Sequence[Record]) -> None:
    """Print a row a clip, and what there is to say about each.

    Parameters
    ----------
    report : Report
        Where it is printed.
    records : sequence of Record
        The clips.
    """
    rows = [
        [r.clip_id, r.state, f"{r.calls:,}", moment(r.sent)[:16], r.midi_origin] for r in records
    ]
    report.table(_COLUMNS, rows)
    told = [record for record in records if record.problem]
    for record in told[:MOST_LINES]:
        report.item(f"clip {printable(record.clip_id)}: {record.problem}", 0)
    if len(told) > MOST_LINES:
        report.say(f"and {len(told) - MOST_LINES:,} more; see midikit archive show ID")


def moment(unix_seconds: float) -> str:
    """Write a moment.

    Parameters
    ----------
    unix_seconds : float
        Unix seconds.

    Returns
    -------
    str
        Date and time to the second; empty if there is none.

    Examples
    --------
    >>> moment(1e9), moment(float("nan"))
    ('2001-09-09 01:46:40 UTC', '')
    """
    try:
        return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
