"""Songs to the objects of pretty_midi and mido and back, and what does not survive the way.

Each target has three functions: ``to_…`` makes the other package's own object, ``from_…`` takes
one, and ``…_losses`` lists what ``to_…`` changes or cannot hold. The list is a function of its own
because the other package's objects have no place for it, and because it needs neither the object
nor the package. Both packages are imported when an object is made.
"""

from __future__ import annotations

from midikit.convert.objects.displaced import pretty_midi_losses
from midikit.convert.objects.mido_file import from_mido, mido_losses, to_mido
from midikit.convert.objects.pretty import from_pretty_midi, to_pretty_midi

__all__ = [
    "from_mido",
    "from_pretty_midi",
    "mido_losses",
    "pretty_midi_losses",
    "to_mido",
    "to_pretty_midi",
]
