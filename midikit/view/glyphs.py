"""Text that matplotlib's fonts can draw."""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties, findfont, get_font

__all__ = ["BOX", "drawable"]

BOX = "\u25a1"
"""What stands for a character that no font has."""


def drawable(text: str) -> str:
    """Put boxes in the place of characters that the current fonts do not have.

    More fonts are looked through if ``rcParams["font.family"]`` lists them.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        As long; drawn without a warning.

    Examples
    --------
    >>> drawable("Koto 1"), drawable(chr(0x4E00)) == BOX
    ('Koto 1', True)
    """
    if text.isascii():
        return text
    families = rcParams["font.family"]
    fonts = [get_font(findfont(FontProperties(family=[name]))) for name in families]
    return "".join(
        char if any(font.get_char_index(ord(char)) for font in fonts) else BOX for char in text
    )
