"""What stands in the JSON lines: repairs, changes, errors and tempi as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.cli.exits import code_of, explain
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.model.report import Change, Repair
    from midikit.model.tempo import TempoMap

__all__ = ["change_row", "error_row", "repair_row", "tempo_row"]

_LONGEST_PLACE = 280


def repair_row(repair: Repair) -> dict[str, Any]:
    """Put a repair into plain values for JSON.

    Parameters
    ----------
    repair : Repair
        The repair.

    Returns
    -------
    dict
        Its fields by name.
    """
    names = ("kind", "place", "found", "action", "count", "offset", "track")
    return {name: getattr(repair, name) for name in names}


def change_row(change: Change) -> dict[str, Any]:
    """Put a change into plain values for JSON.

    Parameters
    ----------
    change : Change
        The change.

    Returns
    -------
    dict
        Its fields by name.
    """
    return {name: getattr(change, name) for name in ("kind", "where", "what", "count")}


def error_row(error: BaseException, source: str) -> dict[str, Any]:
    """Put an error into plain values for JSON.

    Parameters
    ----------
    error : BaseException
        The error.
    source : str
        The input it belongs to.

    Returns
    -------
    dict
        ``type``, ``message``, ``place`` (a JSON path or byte offset, empty if none) and ``exit``.
    """
    return {
        "type": type(error).__name__,
        "message": explain(error, source),
        "place": printable(getattr(error, "place", ""), _LONGEST_PLACE),
        "exit": int(code_of(error)),
    }


def tempo_row(tempo: TempoMap) -> dict[str, Any]:
    """Put a tempo map into plain values for JSON.

    Parameters
    ----------
    tempo : TempoMap
        The map.

    Returns
    -------
    dict
        ``events``, and the ``first``, ``lowest`` and ``highest`` tempo in quarters a minute.
    """
    return {
        "events": len(tempo.qpm),
        "first": float(tempo.qpm[0]),
        "lowest": float(tempo.qpm.min()),
        "highest": float(tempo.qpm.max()),
    }
