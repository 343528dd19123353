"""The player of a song: a page for a notebook or a file."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midikit.files import write_bytes

if TYPE_CHECKING:
    import os

__all__ = ["Player"]

_HEIGHT = 640


@dataclass(frozen=True, slots=True)
class Player:
    """A page that shows and plays a song, shown by a notebook in a frame that can do nothing else.

    Parameters
    ----------
    page : str
        The page, as `midikit.view.html.to_html` makes it.

    Examples
    --------
    >>> Player("<!doctype html>")
    <Player 15 bytes>
    """

    page: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, for a browser to open.

        Parameters
        ----------
        path : str or PathLike
            The file; replaced as a whole.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        write_bytes(path, self.page.encode())

    def _repr_html_(self) -> str:
        """Show the page in a frame, whose scripts reach neither notebook nor network."""
        return (
            f'<iframe sandbox="allow-scripts" title="midikit player" width="100%" '
            f'height="{_HEIGHT}" style="border:0" srcdoc="{html.escape(self.page)}"></iframe>'
        )

    def __repr__(self) -> str:
        """Say how large it is."""
        return f"<Player {len(self.page.encode()):,} bytes>"
