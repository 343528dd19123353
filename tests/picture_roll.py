"""Take the README's picture of the piano roll: a demo song on the beats that were found in it.

uv run python -m tests.picture_roll
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

import midikit as mk
from midikit.sandbox.songs import demo_songs

__all__ = ["main"]

_PICTURE = Path(__file__).parent.parent / "notebooks" / "pictures" / "roll.png"
_START, _END = 62.0, 84.0


def main() -> int:
    """Write the picture."""
    song = mk.read_json(demo_songs()[0].answer())
    figure = Figure(figsize=(10.0, 5.2), layout="constrained")
    mk.plot(
        song, grid=mk.estimate_beats(song), ax=figure.subplots(), start=_START, end=_END
    ).set_title("Late Train Home", loc="left")
    figure.savefig(_PICTURE, dpi=120, metadata={"Software": None})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
