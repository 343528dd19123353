"""Take the README's picture of the player: a demo song at its 31st second, in a headless Chromium.

uv run python -m tests.picture_player
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from midikit.sandbox.songs import demo_songs
from midikit.view.html import write_html
from tests.browser import Browser, find_chromium

__all__ = ["main"]

_PICTURE = Path(__file__).parent.parent / "notebooks" / "pictures" / "player.png"
_SECOND = 30.9


def main() -> int:
    """Write the picture."""
    program = find_chromium()
    if program is None:
        sys.stderr.write("no Chromium on the PATH\n")
        return 1
    demo = max(demo_songs(), key=lambda song: len(song.instruments))
    browser = Browser(program)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.html"
            write_html(demo.song(), path, title=demo.title)
            page = browser.open(path, width=1100, height=660)
            for _ in range(5):
                page.key("+")
            page.eval(f"document.getElementById('position').value = {_SECOND}")
            page.eval("document.getElementById('position').dispatchEvent(new Event('input'))")
            page.eval("document.activeElement.blur()")
            page.eval("new Promise(requestAnimationFrame)")
            page.screenshot(_PICTURE)
    finally:
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
