"""What a fetch is going to do, said before it is done: what is known, what it may cost."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from midikit.cli.report import MOST_LINES, Report
from midikit.cli.words import count
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from midikit.fetch.archive import Record
    from midikit.fetch.disk.sqlite import SqliteArchive

__all__ = ["known_records", "most_calls", "print_plan", "print_resent"]

_FEW = 20
_GROWING = 20
_THERE, _NEW = "in the archive", "to fetch"
_RUNNING, _UNKNOWN = "to fetch, was not ready", "asked for without an answer"
_STATES = {"delivered": _THERE, "running": _RUNNING, "unknown": _UNKNOWN, "in flight": _UNKNOWN}


def known_records(ids: Collection[str], archive: SqliteArchive | None = None) -> Iterator[Record]:
    """Go through what the ledger says of clips.

    A few are looked up; of many the whole ledger is read once. A row that is damaged is passed
    over: fetching its clip will say so.

    Parameters
    ----------
    ids : collection of str
        The clips; a set, if there are many.
    archive : SqliteArchive or None, optional
        The archive; by default it is opened for this alone.

    Yields
    ------
    Record
        Each row, by clip id or in the order of `ids`.
    """
    if archive is None:
        from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - the help needs none of it

        with SqliteArchive() as opened:
            yield from known_records(ids, opened)
        return
    if len(ids) > _FEW:
        for record in archive.records():
            if record.clip_id in ids:
                yield record
        return
    from midikit.errors import InputError  # noqa: PLC0415 - as above

    for clip_id in ids:
        try:
            stored = archive.load(clip_id)
        except InputError:
            continue
        if stored is not None:
            yield stored.record


def most_calls(deadline: float) -> int:
    """Count the calls that are made for a clip which is never ready.

    Parameters
    ----------
    deadline : float
        Seconds for it.

    Returns
    -------
    int
        At most, however short the pauses.

    Examples
    --------
    >>> most_calls(300.0), most_calls(1.0)
    (24, 2)
    """
    from midikit.fetch.polling import poll_pause  # noqa: PLC0415 - the help needs none of it

    calls, left = 1, deadline
    for polls in range(_GROWING):
        if left <= 0:
            return calls
        calls += 1
        left -= poll_pause(polls, 0.0)
    return calls + max(0, math.ceil(left / poll_pause(_GROWING, 0.0)))


def print_plan(
    report: Report,
    ids: Sequence[str],
    *,
    deadline: float,
    max_credits: int | None,
    resend_unknown: bool,
) -> None:
    """Say what fetching would cost, and at worst.

    Parameters
    ----------
    report : Report
        Where it is printed.
    ids : sequence of str
        The clips.
    deadline : float
        Seconds for each.
    max_credits : int or None
        The budget.
    resend_unknown : bool
        Whether clips of unknown outcome would be asked for again.
    """
    states = {r.clip_id: _STATES.get(r.state, _NEW) for r in known_records(set(ids))}
    free = {_THERE} if resend_unknown else {_THERE, _UNKNOWN}
    calls = most_calls(deadline)
    for clip_id in ids:
        state = states.get(clip_id, _NEW)
        if report.as_json:
            row = {"in_archive": state == _THERE, "state": state, "exit": 0}
            most = 0 if state in free else calls
            report.row({"clip_id": clip_id, **row, "most_credits": most})
        else:
            report.data(f"{printable(clip_id)}: {state}")
    if report.as_json:
        return
    tally = Counter(states.get(clip_id, _NEW) for clip_id in ids)
    new = len(ids) - sum(tally[state] for state in free)
    report.item(
        f"{count(len(ids), 'clip')}: {tally[_THERE]:,} in the archive, {new:,} to fetch for "
        f"{count(new, 'credit')}; whether calls before a clip is ready cost more is not documented",
        0,
        data=True,
    )
    worst = new * calls
    if max_credits is not None and max_credits < worst:
        report.data(f"at worst {count(max_credits, 'credit')}, which --max-credits allows")
    elif new:
        report.item(
            f"at worst {count(worst, 'credit')}, if no clip is ready in {deadline:g} s and each of "
            f"{count(calls, 'call')} for it is charged; --max-credits N allows less",
            0,
            data=True,
        )
    if tally[_UNKNOWN]:
        how = "asked for again" if resend_unknown else "only with --resend-unknown"
        report.item(f"{count(tally[_UNKNOWN], 'clip')} {_UNKNOWN}: {how}", 0, data=True)


def print_resent(report: Report, ids: Sequence[str]) -> None:
    """Say what asking again may cost, before it is done.

    Parameters
    ----------
    report : Report
        Where it is printed.
    ids : sequence of str
        The clips.
    """
    from midikit.fetch.keeping import moment_of, reason_of  # noqa: PLC0415 - as above

    resent = 0
    for record in known_records(set(ids)):
        if _STATES.get(record.state) != _UNKNOWN:
            continue
        resent += 1
        if resent <= MOST_LINES:
            moment, reason = moment_of(record), reason_of(record)
            report.item(f"clip {printable(record.clip_id)}: asked for on {moment}: {reason}", 0)
    if resent > MOST_LINES:
        report.say(f"and {resent - MOST_LINES:,} more: midikit archive list --state unknown")
    if resent:
        report.item(
            f"asking again for {count(resent, 'clip')}, which may have been charged already: "
            f"up to {count(resent, 'credit')} more, and perhaps one for each call while a "
            "clip is not ready",
            0,
        )
