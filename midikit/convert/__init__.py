"""Songs out of the house: one file a target.

The core targets (.mid, piano roll) are at the front door; tables and the adapters to other packages
live here. Each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midikit.convert.arrange.split import part_names
    from midikit.convert.audio.wav import synthesizer, to_wav, write_wav
    from midikit.convert.midi import plan_midi, to_midi, write_midi
    from midikit.convert.objects import (
        from_mido,
        from_pretty_midi,
        mido_losses,
        pretty_midi_losses,
        to_mido,
        to_pretty_midi,
    )
    from midikit.convert.play import play
    from midikit.convert.table import to_csv, to_notes_npz, write_csv, write_notes_npz
    from midikit.convert.zipped import to_zip

__all__ = [
    "from_mido",
    "from_pretty_midi",
    "mido_losses",
    "part_names",
    "plan_midi",
    "play",
    "pretty_midi_losses",
    "synthesizer",
    "to_csv",
    "to_midi",
    "to_mido",
    "to_notes_npz",
    "to_pretty_midi",
    "to_wav",
    "to_zip",
    "write_csv",
    "write_midi",
    "write_notes_npz",
    "write_wav",
]

_HOME = {
    "arrange.split": ("part_names",),
    "audio.wav": ("synthesizer", "to_wav", "write_wav"),
    "midi": ("plan_midi", "to_midi", "write_midi"),
    "objects": (
        *("from_mido", "mido_losses", "to_mido"),
        *("from_pretty_midi", "pretty_midi_losses", "to_pretty_midi"),
    ),
    "play": ("play",),
    "table": ("to_csv", "to_notes_npz", "write_csv", "write_notes_npz"),
    "zipped": ("to_zip",),
}
_MODULE_OF = {
    name: f"midikit.convert.{module}" for module, names in _HOME.items() for name in names
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'midikit.convert' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value
