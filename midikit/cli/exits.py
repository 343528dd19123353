"""Exit codes, and how an error is told: one line, in words, without a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import traceback
from enum import IntEnum

import click

from midikit.errors import (
    DeadlineError,
    DifferenceError,
    MidikitError,
    PendingError,
    ProviderError,
    RemoteError,
)
from midikit.escape import printable

__all__ = [
    "BrokenPromiseError",
    "Exit",
    "as_options",
    "close_output",
    "code_of",
    "explain",
    "report",
    "traceback_lines",
]

_LONGEST = 1500
_MORE = "; in Python max_bytes= reads more"
_PLAIN = r"\g<0>; pass - to read standard input"
_AS_OPTIONS = (
    (re.compile(r"; pass max_bytes= to read (it|them)( all)?( the same)?"), _MORE),
    (re.compile(r"; pass max_bytes= to make (it|them)( all)?( the same)?"), ""),
    (re.compile(r",? or (pass|raise it with) max_\w+=( to make it all the same)?"), ""),
    (re.compile(r"; raise it with max_beats="), "; --tempo BPM needs no list of them"),
    (re.compile(r"ask for less with fs="), "ask for less"),
    (re.compile(r"is (a named pipe|a socket|a device), no plain file"), _PLAIN),
    (re.compile(r"pass force=True to replace it"), "--force replaces it"),
    (re.compile(r"with fs= or per_beat=,?"), "with a smaller --fs"),
    (re.compile(r"overlap='trim', 'spill' or 'keep'"), "--overlap trim, spill or keep"),
    (re.compile(r"fewer ticks_per_quarter"), "a smaller --ticks-per-quarter"),
)
"""What messages say to a caller of the library, and what that is on the command line."""


class Exit(IntEnum):
    """What the exit code says; in a batch the highest wins."""

    DONE = 0
    INPUT = 1
    USAGE = 2
    REMOTE = 3
    UNFINISHED = 4
    DIFFERENT = 5
    BUG = 70
    INTERRUPTED = 130


class BrokenPromiseError(Exception):
    """A result that is not what was meant: a bug of ours, whatever the input."""


def code_of(error: BaseException) -> Exit:
    """Tell the exit code that an error means.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    Exit
        The code.

    Examples
    --------
    >>> code_of(PendingError("song.json", "data.state", "running")).name
    'UNFINISHED'
    """
    if isinstance(error, (PendingError, DeadlineError)):
        return Exit.UNFINISHED
    if isinstance(error, (ProviderError, RemoteError)):
        return Exit.REMOTE
    if isinstance(error, DifferenceError):
        return Exit.DIFFERENT
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Exit.INTERRUPTED
    if isinstance(error, click.UsageError):
        return Exit.USAGE
    if isinstance(error, (MidikitError, click.ClickException, MemoryError, OSError)):
        return Exit.INPUT
    return Exit.BUG


def explain(error: BaseException, source: str = "") -> str:
    r"""Say an error in one line.

    Parameters
    ----------
    error : BaseException
        What was raised.
    source : str, optional
        What was being read, put in front where the message does not name it.

    Returns
    -------
    str
        Without control characters, bounded.

    Examples
    --------
    >>> explain(ValueError("line one\nline two")).splitlines()
    ['a bug in midikit: ValueError: line one line two; --debug shows where']
    """
    if isinstance(error, MemoryError):
        text = "needs more memory than there is"
    elif isinstance(error, MidikitError):
        text = as_options(str(error))
    elif isinstance(error, OSError) and error.errno == errno.EBADF and not error.filename:
        text = "stdout is closed"  # the one stream of the three whose errors come this far
    elif isinstance(error, OSError):
        text = f"{error.strerror or error}"
        text += f": {error.filename}" if isinstance(error.filename, str) else ""
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    else:
        said = f"{type(error).__name__}: {error}".strip().rstrip(":")
        text = f"a bug in midikit: {said}; --debug shows where"
    if source and source not in text:
        text = f"{source}: {text}"
    return printable(" ".join(text.split()), _LONGEST)


def as_options(text: str) -> str:
    """Say what the library says to callers as the command line says it.

    Parameters
    ----------
    text : str
        A message.

    Returns
    -------
    str
        The same with options in place of arguments.

    Examples
    --------
    >>> as_options("a.mid: exists; pass force=True to replace it")
    'a.mid: exists; --force replaces it'
    """
    for words, option in _AS_OPTIONS:
        text = words.sub(option, text)
    return text


def traceback_lines(error: BaseException) -> list[str]:
    """Write the traceback of an error for ``--debug``.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    list of str
        Its lines without control characters, each bounded.
    """
    whole = "".join(traceback.format_exception(error))
    return [printable(line, _LONGEST) for line in whole.rstrip("\n").split("\n")]


def report(error: BaseException, *, debug: bool = False) -> int:
    """Print what ended the program and tell its exit code.

    Parameters
    ----------
    error : BaseException
        What was raised.
    debug : bool, optional
        Print the traceback as well.

    Returns
    -------
    int
        The exit code.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) == errno.EPIPE:
        # Whoever read our output has seen enough; nothing is left to be said to them.
        close_output()
        return Exit.DONE
    code = code_of(error)
    with contextlib.suppress(OSError, ValueError):  # a stderr that takes nothing changes no code
        _tell(error, code, debug=debug)
    return code


def _tell(error: BaseException, code: Exit, *, debug: bool) -> None:
    """Print what ended the program."""
    if debug and code != Exit.USAGE:
        click.echo("\n".join(traceback_lines(error)), err=True)
    if code == Exit.INTERRUPTED:
        click.echo("interrupted", err=True)
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show(file=sys.stderr)
    elif isinstance(error, click.UsageError):
        if error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
            click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
        click.echo(f"Error: {explain(error)}", err=True)
    else:
        click.echo(f"Error: {explain(error)}", err=True)


def close_output() -> None:
    """Send what is still buffered for a closed pipe nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    finally:
        os.close(nowhere)
