"""A program that tells everything it can about a fetch: what `tests.bench.net.secrets` searches.

    python verbose.py DEADLINE CLIP_ID…

Every logger writes at DEBUG, every error is shown with the local variables of each frame and
pickled, and the objects it holds are printed, copied and pickled as far as they let that be done.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import pickle
import sys
import traceback
from typing import Any

import midikit


def tell(name: str, value: object) -> None:
    """Print an object in every way there is."""
    print(name, repr(value), str(value), f"{value}")
    for way in (vars, copy.copy, copy.deepcopy, pickle.dumps):
        with contextlib.suppress(Exception):
            print(name, way(value))
    with contextlib.suppress(Exception):
        print(name, pickle.dumps(value, 0))
    for attribute in dir(value):
        with contextlib.suppress(Exception):
            held: Any = getattr(value, attribute)
            if not callable(held):
                print(name, attribute, repr(held))


def tell_error(error: BaseException) -> None:
    """Print an error, its causes, its frames and their variables."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(shown.format()))
    seen: BaseException | None = error
    while seen is not None:
        tell("error", seen)
        frame = seen.__traceback__
        while frame is not None:
            print(frame.tb_frame.f_code.co_qualname, dict(frame.tb_frame.f_locals))
            frame = frame.tb_next
        seen = seen.__cause__ or seen.__context__


def main() -> None:
    """Fetch and tell."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    deadline, *clips = sys.argv[1:]
    try:
        with midikit.Client() as client:
            tell("client", client)
            for clip_id in clips:
                try:
                    clip = client.fetch(clip_id, deadline=float(deadline))
                    tell("clip", clip)
                    tell("song", clip.song)
                except midikit.MidikitError as error:
                    tell_error(error)
            tell("client", client)
    except midikit.MidikitError as error:
        tell_error(error)


if __name__ == "__main__":
    main()
