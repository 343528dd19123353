"""What the notes of an input say about its beat, and what is wrong with the tempo it claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from midikit.cli.beat_rows import grid_row, lag_rows
from midikit.cli.beat_words import grid_lines, lag_lines, wrapped

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from midikit.cli.sources import Opened
    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["Beat", "find_beat"]


@dataclass(frozen=True, slots=True, eq=False)
class Beat:
    """What the notes say.

    Parameters
    ----------
    song : Song
        As it was read.
    grid : BeatGrid or None
        Its beats; None where there is no steady one.
    lags : ndarray of float64, shape (tracks,)
        How late each part is in seconds, NaN where it does not tell.
    findings : tuple of str or None
        What is wrong with the claimed tempo; None where none is claimed or nothing can be said.
    """

    song: Song
    grid: BeatGrid | None
    lags: npt.NDArray[np.float64]
    findings: tuple[str, ...] | None

    def lines(self) -> list[str]:
        """Say it.

        Returns
        -------
        list of str
            Lines of at most 80 characters.
        """
        if self.grid is None:
            return self._without_beat()
        lines = grid_lines(self.grid, self.song)
        lines += lag_lines(self.song, self.lags, "convert --align puts them together")
        if self.findings is not None:
            said = "; ".join(self.findings) or "its tempo keeps to the music"
            lines += wrapped("the file", said)
        return lines

    def _without_beat(self) -> list[str]:
        from midikit.rhythm.layout import too_large  # noqa: PLC0415 - loads numpy

        if not self.song.note_count:
            return []
        if why := too_large(self.song):
            return wrapped("tempo", f"not looked for {why}")
        return wrapped("tempo", "no steady beat found")

    def row(self) -> dict[str, Any]:
        """Put it into plain values for JSON.

        Returns
        -------
        dict
            ``grid``, ``lags`` and ``claimed_tempo_findings``.
        """
        return {
            "grid": grid_row(self.grid),
            "lags": lag_rows(self.song, self.lags),
            "claimed_tempo_findings": None if self.findings is None else list(self.findings),
        }


def find_beat(
    opened: Opened,
    tempo_hint: float | None,
    beats_per_bar: int | None,
    downbeat: float | None,
) -> Beat:
    """Find the beat of an input, and judge the tempo it claims.

    Parameters
    ----------
    opened : Opened
        The input.
    tempo_hint : float or None
        Felt beats a minute that are known.
    beats_per_bar : int or None
        Felt beats a bar that are known.
    downbeat : float or None
        Second of a bar line that is known.

    Returns
    -------
    Beat
        What there is to say.
    """
    import numpy as np  # noqa: PLC0415 - the help needs none of it

    from midikit.rhythm.align import part_lags  # noqa: PLC0415 - as above
    from midikit.rhythm.judge import judge_tempo  # noqa: PLC0415 - as above
    from midikit.rhythm.layout import find_beats  # noqa: PLC0415 - as above

    song = opened.song
    grid = find_beats(song, tempo_hint=tempo_hint, beats_per_bar=beats_per_bar, downbeat=downbeat)
    if grid is None:
        return Beat(song, None, np.full(len(song), np.nan), None)
    findings = None
    if not opened.is_answer:
        bar_line, *meter = song.time_signatures[-1] if song.time_signatures else (0.0, 4, 4)
        findings = judge_tempo(
            song.tempo, grid, bar_line=bar_line, meter=(int(meter[0]), int(meter[1]))
        )
    return Beat(song, grid, part_lags(song, grid), findings)
