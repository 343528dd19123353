"""What ``convert`` is asked to do with each input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from midikit.rhythm.layout import Tempo

__all__ = ["Settings"]

_TRIPLETS = {"auto": "auto", "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """What to do with each input.

    Parameters
    ----------
    targets : tuple of str, optional
        Keys of `midikit.cli.outputs.TARGETS`.
    tempo : {"auto", "constant", "source"} or float, optional
        As for `midikit.rhythm.layout.lay_out`, as are the next six.
    tempo_hint : float or None, optional
        Felt beats a minute that are known.
    beats_per_bar : int or None, optional
        Felt beats a bar that are known.
    downbeat : float or None, optional
        Second of a bar line that is known.
    align : bool or None, optional
        Whether to take off the parts' lags.
    sync : {"time", "bar"}, optional
        Whether to move the song onto bar 1.
    bar_markers : bool, optional
        Whether to write a marker a bar.
    division : str or None, optional
        Lines to quantize on; None for not. As for `midikit.quantize`, as are the next five.
    strength : float, optional
        How far to quantize, 0 to 1.
    swing : float or None, optional
        Where the second eighth lies.
    triplets : {"auto", True, False}, optional
        Whether bars may choose triplets.
    window : float or None, optional
        Farthest move in seconds.
    ends : {"keep", "snap"}, optional
        Keep lengths, or move ends as well.
    audio_offset : float, optional
        Move the song so many seconds later.
    audio : tuple of str, optional
        .wav files to measure that with instead.
    programs : {"name", "source"}, optional
        How sounds are chosen.
    overrides : dict of str to int, optional
        Programs by track name.
    merge_tracks, duplicates, overlap, short : str, optional
        As `merge` and the others for `midikit.plan_midi`.
    ticks_per_quarter : int or None, optional
        Resolution of the .mid.
    fs : float, optional
        Frames a second of the roll.
    per_beat : int or None, optional
        Frames a beat of the roll instead.
    split, zipped : bool, optional
        Make a .mid a part; put these into one .zip.
    drum_map : dict of int to int, optional
        Where to move the pitches of drum tracks.
    accent : bool, optional
        Whether to give flat parts accents.
    key : {"off", "auto", "sections"} or Key, optional
        Which key signature to write.
    check : str or None, optional
        ``hosted``, or a .mid to compare with.
    clean : {"off", "light", "strong", "auto"}, optional
        Whether to take notes out that nobody played.
    voices : dict of str to int, optional
        Voices by track name.
    melody : {"off", "top", "strongest"}, optional
        Whether to make vocal parts one line.
    strict : bool, optional
        Refuse what would be repaired.
    """

    targets: tuple[str, ...] = ("mid",)
    tempo: Tempo = "auto"
    tempo_hint: float | None = None
    beats_per_bar: int | None = None
    downbeat: float | None = None
    align: bool | None = None
    sync: Any = "time"
    bar_markers: bool = False
    division: str | None = None
    strength: float = 1.0
    swing: float | None = None
    triplets: Any = "auto"
    window: float | None = None
    ends: Any = "keep"
    audio_offset: float = 0.0
    audio: tuple[str, ...] = ()
    programs: str = "name"
    overrides: dict[str, int] = field(default_factory=dict)
    merge_tracks: Any = "off"
    duplicates: Any = "collapse"
    overlap: Any = "trim"
    short: Any = "tick"
    ticks_per_quarter: int | None = None
    fs: float = 100.0
    per_beat: int | None = None
    split: bool = False
    zipped: bool = False
    drum_map: dict[int, int] = field(default_factory=dict)
    accent: bool = False
    key: Any = "off"
    check: str | None = None
    clean: Any = "off"
    voices: dict[str, int] = field(default_factory=dict)
    melody: Any = "off"
    strict: bool = False

    @property
    def named(self) -> set[tuple[str, str]]:
        """Options that are about tracks of a name, each with the name."""
        programs = {("--program", name) for name in self.overrides}
        return programs | {("--voices", name) for name in self.voices}

    @classmethod
    def of(cls, options: Mapping[str, Any], targets: list[str]) -> Settings:
        """Take the settings out of the options of the command.

        Parameters
        ----------
        options : mapping of str to object
            Options by name; those that are no setting are left out.
        targets : list of str
            What is written.

        Returns
        -------
        Settings
            The settings.

        Raises
        ------
        MidikitError
            If the drum map cannot be read.
        """
        values = {name: options[name] for name in cls.__dataclass_fields__ if name in options}
        values["targets"] = tuple(targets)
        values["division"] = None if values["division"] == "off" else values["division"]
        values["triplets"] = _TRIPLETS[values["triplets"]]
        values["audio_offset"] = values["audio_offset"] or 0.0
        values["split"] = values["split"] or values["zipped"]
        values["drum_map"] = {}
        if options["drum_map"] is not None:
            from midikit.parse.drum_map import read_drum_map  # noqa: PLC0415 - few ask for one

            values["drum_map"] = read_drum_map(options["drum_map"])
        return cls(**values)
