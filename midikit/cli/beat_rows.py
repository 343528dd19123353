"""What stands in the JSON lines about tempo, meter, bars and lags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from midikit.cli.beat_words import first_bar, readings, tempo_range

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid, Confidence
    from midikit.model.song import Song
    from midikit.rhythm.audio import AudioOffset

__all__ = ["audio_row", "grid_row", "lag_rows"]


def grid_row(grid: BeatGrid | None) -> dict[str, Any] | None:
    """Put a grid into plain values for JSON.

    Parameters
    ----------
    grid : BeatGrid or None
        Beats and bars.

    Returns
    -------
    dict or None
        Tempo, meter, bars and confidence; None without a grid. Nine beats in ten go by at
        ``lowest`` to ``highest`` felt beats a minute.
    """
    if grid is None:
        return None
    low, high = tempo_range(grid)
    others = {ask: said for said, ask in readings(grid)}
    return {
        "bpm": grid.bpm,
        "qpm": grid.qpm,
        "constant": grid.is_constant,
        "lowest": low,
        "highest": high,
        "meter": list(grid.meter),
        "beats_per_bar": grid.beats_per_bar,
        "beats": len(grid.beats),
        "first_bar": first_bar(grid),
        "pickup": grid.pickup,
        "swing_ratio": grid.swing_ratio,
        "subdivision": grid.subdivision,
        "residual": grid.residual,
        "confidence": _confidence_row(grid.confidence),
        "margin": grid.margin,
        "alternatives": [
            {
                "bpm": other.bpm,
                "meter": list(other.meter),
                "beats_per_bar": other.beats_per_bar,
                "first_bar": first_bar(other),
                "confidence": _confidence_row(other.confidence),
            }
            for other in grid.alternatives
        ],
        "ask": others,
    }


def _confidence_row(confidence: Confidence | None) -> dict[str, float] | None:
    if confidence is None:
        return None
    return {name: getattr(confidence, name) for name in ("pulse", "level", "bar")}


def lag_rows(song: Song, lags: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Put the parts' lags into plain values for JSON.

    Parameters
    ----------
    song : Song
        The parts.
    lags : ndarray of float64, shape (tracks,)
        Seconds each part is late, NaN where it does not tell.

    Returns
    -------
    list of dict
        ``track``, ``name`` and ``seconds`` of each, None where it does not tell.
    """
    return [
        {"track": index, "name": track.name, "seconds": None if math.isnan(lag) else lag}
        for index, (track, lag) in enumerate(zip(song.tracks, lags.tolist(), strict=True))
    ]


def audio_row(audio: AudioOffset | None, offset: float) -> dict[str, Any] | None:
    """Put the offset to the audio into plain values for JSON.

    Parameters
    ----------
    audio : AudioOffset or None
        What was measured.
    offset : float
        What was given instead.

    Returns
    -------
    dict or None
        ``seconds``, ``measured`` and ``applied``, with ``spread``, ``doubts`` and ``files`` of a
        measurement; None where none was made or given. A doubtful one is not applied.
    """
    if audio is None:
        return {"seconds": offset, "measured": False, "applied": True} if offset else None
    return {
        "seconds": audio.seconds,
        "measured": True,
        "applied": not audio.doubts,
        "spread": audio.spread,
        "doubts": list(audio.doubts),
        "files": [
            {
                "name": stem.name,
                "seconds": stem.seconds,
                "clarity": stem.clarity,
                "notes": stem.notes,
                "followed": stem.followed,
                "cut": stem.is_cut,
            }
            for stem in audio.per_stem
        ],
    }
