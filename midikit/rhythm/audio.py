"""Measure how much later the audio of a song is than its notes.

Where notes start, audio grows louder. The growth is the half-wave rectified difference of log
magnitudes from one spectrum to the next, summed over frequencies (spectral flux: Bello et al. 2005;
with the logarithm Klapuri 1999). Correlated with the starts of the notes, it peaks where the notes
have to be moved to. What is measured is the rise of the sound: soft attacks look later by part of
their length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable, quoted
from midikit.rhythm.rises import HOP, Rises

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import numpy.typing as npt

    from midikit.model.song import Song, Track

__all__ = ["AudioOffset", "StemOffset", "audio_offset"]

_STEADY = 0.03
"""Seconds of spread that a good measurement keeps below."""

_CLEAR = 4.0
"""Clarity from which on a file says something."""

_MOST_SEARCH = 60.0
_LEAST_NOTES = 4
_PARTS = 3
_NEAR = 0.06
"""Seconds by which a file may differ from the others and still mean the same peak."""

_NEARLY = 0.75
"""Share of its highest peak that a file's peak near the others' must have."""

_RIVAL = 0.93
"""Share of the highest peak from which on another leaves in doubt which of them is meant."""

_FOLLOWED = 0.2
"""Share of the notes that a file has to grow louder at."""


@dataclass(frozen=True, slots=True)
class StemOffset:
    """What one file says.

    Parameters
    ----------
    name : str
        Its file name, fit for a terminal.
    seconds : float
        How much later its audio is than the notes.
    clarity : float
        Height of the peak over the mean of the correlation, in its standard deviations; below
        about 4 the file says little.
    notes : int
        Notes it was compared with: those of the tracks that the file is named after, else all.
    followed : float, optional
        Share of those within the file at which it grows louder.
    is_cut : bool, optional
        Whether the file ends before the samples that it announces.
    """

    name: str
    seconds: float
    clarity: float
    notes: int
    followed: float = 1.0
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class AudioOffset:
    """How much later the audio is than the notes.

    Parameters
    ----------
    seconds : float
        The median over the files: add it to the notes to put them in sync.
    spread : float
        Greatest distance of a file from the median, in seconds; with one file, of a third of the
        song from it.
    per_stem : tuple of StemOffset
        What each file says.
    search : float or None, optional
        Greatest offset that was looked for, in seconds.
    rival : float or None, optional
        Another offset that fits nearly as well, in seconds.

    Examples
    --------
    >>> AudioOffset(0.24, 0.012, ())
    <AudioOffset 0.240 s, spread 12 ms, 0 files>
    """

    seconds: float
    spread: float
    per_stem: tuple[StemOffset, ...]
    search: float | None = None
    rival: float | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against the measurement, a sentence each; none if it can be relied on.

        Examples
        --------
        >>> AudioOffset(0.24, 0.2, (StemOffset("a.wav", 0.24, 3.1, 80),)).doubts
        ('its parts differ by up to 200 ms', 'a.wav hardly follows the notes')
        """
        found = []
        if self.spread > _STEADY:
            parts = "the files" if len(self.per_stem) > 1 else "its parts"
            found.append(f"{parts} differ by up to {1000.0 * self.spread:.0f} ms")
        if self.search is not None and abs(self.seconds) > self.search - _NEAR:
            found.append(f"no more than {self.search:g} s was looked for")
        if self.rival is not None:
            found.append(f"{self.rival:.3f} s fits nearly as well")
        vague = [
            stem.name
            for stem in self.per_stem
            if stem.clarity < _CLEAR or stem.followed < _FOLLOWED
        ]
        if vague:
            more = f" and {len(vague) - 1:,} more" if len(vague) > 1 else ""
            follow = "follow" if more else "follows"
            found.append(f"{vague[0]}{more} hardly {follow} the notes")
        return tuple(found)

    def __repr__(self) -> str:
        """Say offset, spread and number of files."""
        files = len(self.per_stem)
        return (
            f"<AudioOffset {self.seconds:.3f} s, spread {1000 * self.spread:.0f} ms, "
            f"{files} file{'' if files == 1 else 's'}>"
        )


def audio_offset(
    song: Song, wav_paths: Iterable[str | os.PathLike[str]], *, search: float = 1.5
) -> AudioOffset:
    """Measure how much later audio files are than the notes of a song.

    Parameters
    ----------
    song : Song
        The notes.
    wav_paths : iterable of str or PathLike
        .wav files of the whole song or of stems. A file whose name holds the name of a track, or of
        drums for drum tracks, is compared with the tracks so named, else with all notes.
    search : float, optional
        Greatest offset to look for in either direction, in seconds, up to 60.

    Returns
    -------
    AudioOffset
        The median over the files, its spread, and what each file says. Positive where the audio is
        later than the notes. The memory needed does not grow with the files but for 4 bytes each
        5 ms of audio, at most two hours.

    Raises
    ------
    InputError
        If a file is no readable .wav, or holds no sound that could be compared.
    ConversionError
        If there are no files, fewer than 4 notes, or `search` is out of range.

    Examples
    --------
    >>> import tempfile, wave
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> starts = [0.1, 0.35, 0.5, 1.1, 1.3]
    >>> koto = Track("Koto", notes=as_notes([(t, t + 0.1, 60, 80) for t in starts]))
    >>> sound = np.zeros(16_000, "<i2")
    >>> for start in starts:
    ...     first = round(8_000 * (start + 0.2))
    ...     sound[first : first + 400] = (
    ...         9_000 * np.sin(np.arange(400)) * np.exp(-np.arange(400) / 99)
    ...     )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with wave.open(f"{folder}/koto.wav", "wb") as file:
    ...         file.setparams((1, 2, 8_000, 0, "NONE", ""))
    ...         file.writeframes(sound.tobytes())
    ...     found = audio_offset(Song((koto,)), [f"{folder}/koto.wav"])
    >>> round(found.seconds, 1)
    0.2
    """
    paths = list(wav_paths)
    if not paths:
        raise ConversionError("no .wav files given; expected one or more")
    if not 0.0 < search <= _MOST_SEARCH:
        raise ConversionError(f"search {quoted(search)}: expected seconds above 0, up to 60")
    count = song.note_count
    if count < _LEAST_NOTES:
        raise ConversionError(
            f"{count} note{'' if count == 1 else 's'}; expected {_LEAST_NOTES} or more "
            "to compare with the audio"
        )
    matches = [_Match.of(song, path, search) for path in paths]
    together = np.sum([match.height for match in matches], axis=0)
    common = int(np.argmax(together))
    stems = [match.offset_near(common) for match in matches]
    seconds = float(np.median([stem.seconds for stem in stems]))
    said = [stem.seconds for stem in stems] if len(stems) > 1 else matches[0].thirds(seconds)
    spread = max((abs(one - seconds) for one in said), default=0.0)
    return AudioOffset(seconds, spread, tuple(stems), search, _rival(together, common))


def _rival(height: npt.NDArray[np.float64], best: int) -> float | None:
    """Return the offset of the highest other peak, if it is nearly as high."""
    row = np.arange(1, len(height) - 1)
    row = row[(height[row] >= height[row - 1]) & (height[row] >= height[row + 1])]
    row = row[np.abs(row - best) * HOP > _NEAR]
    if not len(row):
        return None
    other = int(row[np.argmax(height[row])])
    return _seconds(height, other) if height[other] > _RIVAL * height[best] else None


def _train(song: Song, stem: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the starts to compare a file with, ascending, and their weights."""
    tracks = [track for track in song if len(track.notes) and _is_named(track, stem)]
    if sum(len(track.notes) for track in tracks) < _LEAST_NOTES:
        tracks = list(song.tracks)
    start = np.concatenate([track.notes["start"] for track in tracks])
    weight = np.concatenate([track.notes["velocity"] for track in tracks]) / 127.0
    order = np.argsort(start, kind="stable")
    return start[order], weight[order]


def _is_named(track: Track, stem: str) -> bool:
    """Whether a file is named after a track: by its whole name, or as drums."""
    said, name = _words(stem), _words(track.name)
    return bool(name and f" {name} " in f" {said} ") or (
        track.is_drum and bool({"drum", "drums", "percussion"} & set(said.split()))
    )


def _words(text: str) -> str:
    """Reduce a name to its words and numbers, in small letters."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """How well a file fits its notes at each offset from -reach to reach steps."""

    name: str
    rises: Rises
    start: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    height: npt.NDArray[np.float64]

    @classmethod
    def of(cls, song: Song, path: str | os.PathLike[str], search: float) -> _Match:
        """Compare a file with the notes that belong to it."""
        rises = Rises.of(path)
        start, weight = _train(song, Path(path).stem)
        height = rises.match(start, weight, int(np.ceil(search / HOP)))
        return cls(printable(Path(path).name, 200), rises, start, weight, height)

    def offset_near(self, common: int) -> StemOffset:
        """Take the peak next to what all files have in common, unless another is far higher.

        A part that repeats itself fits nearly as well a beat later.
        """
        best = int(np.argmax(self.height))
        near = _peak_near(self.height, common)
        if self.height[near] >= _NEARLY * self.height[best]:
            best = near
        seconds = _seconds(self.height, best)
        return StemOffset(
            self.name,
            seconds,
            float(self.height[best]),
            len(self.start),
            self.rises.followed(self.start + seconds),
            self.rises.is_cut,
        )

    def thirds(self, seconds: float) -> list[float]:
        """Measure each third of the notes in the file on its own, near what all of them say."""
        reach = len(self.height) // 2
        found = []
        heard = np.flatnonzero(self.start + seconds < len(self.rises.flux) * HOP)
        for part in np.array_split(heard, _PARTS):
            if len(part) >= _LEAST_NOTES:
                height = self.rises.match(self.start[part], self.weight[part], reach)
                near = _peak_near(height, round(seconds / HOP) + reach)
                found.append(_seconds(height, near))
        return found


def _peak_near(height: npt.NDArray[np.float64], row: int) -> int:
    """Return the row of the highest value within 60 ms."""
    reach = round(_NEAR / HOP)
    low = max(0, row - reach)
    return low + int(np.argmax(height[low : row + reach + 1]))


def _seconds(height: npt.NDArray[np.float64], row: int) -> float:
    """Return the offset of a peak."""
    return (row - len(height) // 2 + _vertex(height, row)) * HOP


def _vertex(values: npt.NDArray[np.float64], row: int) -> float:
    """Return how far the top of the parabola through a peak and its neighbours is from it."""
    if not 0 < row < len(values) - 1:
        return 0.0
    before, top, after = values[row - 1 : row + 2].tolist()
    bend = before - 2.0 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
