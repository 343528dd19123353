"""``midikit`` and ``python -m midikit``: run a command, never show a traceback unasked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str or None, optional
        Words after the program's name; those of this process by default.

    Returns
    -------
    int
        Exit code: 0 done, 1 an input could not be read or converted, 2 usage, 3 remote, 4 not
        finished at the deadline, 5 compared and different, 70 a bug of ours, 130 interrupted.

    Examples
    --------
    >>> main(["convert", "--help"]) == 0  # doctest: +ELLIPSIS
    Usage: midikit convert [OPTIONS] SOURCE...
    ...
    True
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from midikit.cli.streams import open_streams  # noqa: PLC0415 - an interrupt here counts

        open_streams()
        from midikit.cli import midikit  # noqa: PLC0415 - as above
        from midikit.cli.exits import close_output, report  # noqa: PLC0415 - as above

        try:
            # Not `midikit.main`, which would have its own way with closed pipes and interrupts.
            with midikit.make_context("midikit", list(words)) as context:
                midikit.invoke(context)
            sys.stdout.flush()
            code = 0
        except BaseException as error:  # noqa: BLE001 - the last place that can say it in words
            code = report(error, debug="--debug" in words)
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            close_output()
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
