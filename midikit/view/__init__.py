"""Pictures of songs, and pages to listen to them. Each is imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midikit.view.html import to_html, write_html
    from midikit.view.pictures import to_png, to_svg, write_png, write_svg
    from midikit.view.player import Player
    from midikit.view.plotting import plot
    from midikit.view.timing import plot_timing

__all__ = [
    "Player",
    "plot",
    "plot_timing",
    "to_html",
    "to_png",
    "to_svg",
    "write_html",
    "write_png",
    "write_svg",
]

_HOME = {
    "html": ("to_html", "write_html"),
    "pictures": ("to_png", "to_svg", "write_png", "write_svg"),
    "player": ("Player",),
    "plotting": ("plot",),
    "timing": ("plot_timing",),
}
_MODULE_OF = {name: f"midikit.view.{module}" for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'midikit.view' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value
