"""Turn an AI song into MIDI that opens right.

>>> import midikit as mk
>>> answer = {
...     "instruments": [
...         {"name": "Koto", "notes": [{"start": 0.0, "end": 0.5, "pitch": 64, "velocity": 0.8}]}
...     ]
... }
>>> song = mk.read_json(answer)
>>> song
<Song 1 track, 1 note, 0.5 s>
>>> song["Koto"].notes["pitch"].tolist()
[64]
>>> mk.to_midi(song)[:4]
b'MThd'

Core names live here; further targets and adapters (CSV, pretty_midi, mido …) in `mk.convert`, the
page of the player in `mk.view`, many items at a time in `mk.batch`, the embedded endpoint in
`mk.sandbox`. Everything heavy is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midikit import batch as batch
    from midikit import convert as convert
    from midikit import sandbox as sandbox
    from midikit import view as view
    from midikit.batch.files import convert_files
    from midikit.cleaning.cleaning import clean
    from midikit.cleaning.melody import melody
    from midikit.cleaning.report import CleanReport
    from midikit.convert.arrange.drum_map import map_drums
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.convert.arrange.split import split_song
    from midikit.convert.arrange.together import merge_songs
    from midikit.convert.midi import plan_midi, to_midi, write_midi
    from midikit.convert.pianoroll import PianoRoll, pianoroll
    from midikit.errors import (
        AnswerError,
        ConversionError,
        DifferenceError,
        InputError,
        LimitError,
        MidiError,
        MidikitError,
        NotesError,
        OutputError,
        PendingError,
        ProviderError,
        RemoteError,
    )
    from midikit.fetch.async_client import AsyncClient
    from midikit.fetch.budget import Budget
    from midikit.fetch.client import Client, Clip, Pending
    from midikit.fetch.disk.sqlite import SqliteArchive
    from midikit.fetch.memory import MemoryArchive
    from midikit.fetch.telling import FetchEvent
    from midikit.model.beats import BeatGrid
    from midikit.model.events import Event
    from midikit.model.key import Key, KeySpan
    from midikit.model.notes import NOTE, as_notes, shift, transpose
    from midikit.model.report import Change, Repair
    from midikit.model.song import Song, Track
    from midikit.model.tempo import TempoMap
    from midikit.parse.drum_map import read_drum_map
    from midikit.parse.midi import read_midi
    from midikit.parse.response import read_json
    from midikit.rhythm.accent import accent
    from midikit.rhythm.align import align
    from midikit.rhythm.constant import constant_tempo
    from midikit.rhythm.estimate import estimate_beats
    from midikit.rhythm.export import with_grid
    from midikit.rhythm.layout import Layout, Quantizing, lay_out
    from midikit.rhythm.quantize import quantize
    from midikit.tonality.estimate import estimate_key
    from midikit.tonality.export import with_key
    from midikit.tonality.sections import estimate_keys
    from midikit.verify.compare import Comparison, compare
    from midikit.view.plotting import plot
    from midikit.view.timing import plot_timing

__all__ = [
    "NOTE",
    "AnswerError",
    "AsyncClient",
    "BeatGrid",
    "Budget",
    "Change",
    "CleanReport",
    "Client",
    "Clip",
    "Comparison",
    "ConversionError",
    "DifferenceError",
    "Event",
    "FetchEvent",
    "InputError",
    "Key",
    "KeySpan",
    "Layout",
    "LimitError",
    "MemoryArchive",
    "MidiError",
    "MidiPlan",
    "MidikitError",
    "NotesError",
    "OutputError",
    "Pending",
    "PendingError",
    "PianoRoll",
    "ProviderError",
    "Quantizing",
    "RemoteError",
    "Repair",
    "Song",
    "SqliteArchive",
    "TempoMap",
    "Track",
    "accent",
    "align",
    "as_notes",
    "clean",
    "compare",
    "constant_tempo",
    "convert_files",
    "estimate_beats",
    "estimate_key",
    "estimate_keys",
    "lay_out",
    "map_drums",
    "melody",
    "merge_songs",
    "pianoroll",
    "plan_midi",
    "plot",
    "plot_timing",
    "quantize",
    "read_drum_map",
    "read_json",
    "read_midi",
    "shift",
    "split_song",
    "to_midi",
    "transpose",
    "with_grid",
    "with_key",
    "write_midi",
]

_HOME = {
    "batch.files": ("convert_files",),
    "cleaning.cleaning": ("clean",),
    "cleaning.melody": ("melody",),
    "cleaning.report": ("CleanReport",),
    "convert.midi": ("plan_midi", "to_midi", "write_midi"),
    "convert.pianoroll": ("PianoRoll", "pianoroll"),
    "convert.arrange.drum_map": ("map_drums",),
    "convert.arrange.plan": ("MidiPlan",),
    "convert.arrange.split": ("split_song",),
    "convert.arrange.together": ("merge_songs",),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "fetch.async_client": ("AsyncClient",),
    "fetch.budget": ("Budget",),
    "fetch.client": ("Client", "Clip", "Pending"),
    "fetch.memory": ("MemoryArchive",),
    "fetch.disk.sqlite": ("SqliteArchive",),
    "fetch.telling": ("FetchEvent",),
    "model.beats": ("BeatGrid",),
    "model.notes": ("NOTE", "as_notes", "shift", "transpose"),
    "model.report": ("Change", "Repair"),
    "model.events": ("Event",),
    "model.key": ("Key", "KeySpan"),
    "model.song": ("Song", "Track"),
    "model.tempo": ("TempoMap",),
    "parse.drum_map": ("read_drum_map",),
    "parse.midi": ("read_midi",),
    "parse.response": ("read_json",),
    "rhythm.accent": ("accent",),
    "rhythm.align": ("align",),
    "rhythm.constant": ("constant_tempo",),
    "rhythm.estimate": ("estimate_beats",),
    "rhythm.export": ("with_grid",),
    "rhythm.layout": ("Layout", "Quantizing", "lay_out"),
    "rhythm.quantize": ("quantize",),
    "tonality.estimate": ("estimate_key",),
    "tonality.export": ("with_key",),
    "tonality.sections": ("estimate_keys",),
    "verify.compare": ("Comparison", "compare"),
    "view.plotting": ("plot",),
    "view.timing": ("plot_timing",),
}
_ROOMS = frozenset({"batch", "convert", "sandbox", "view"})
_MODULE_OF = {name: f"midikit.{module}" for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("midikit")
    if name in _ROOMS:
        return importlib.import_module(f"midikit.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'midikit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
