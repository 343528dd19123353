"""The token: checked once, shown never.

It comes from an argument, from ``MIDIKIT_TOKEN``, or from the file ``token`` in the folder of
``MIDIKIT_HOME``: the token on its first line, on a second one the base URL it is for if that is not
`DEFAULT_BASE_URL`. A file that others can read is refused, and one for another base is not used.
"""

from __future__ import annotations

import json
import os
import stat
from typing import NoReturn

from midikit.errors import TokenError
from midikit.escape import printable
from midikit.fetch.endpoint import DEFAULT_BASE_URL
from midikit.fetch.home import home_folder

__all__ = ["TOKEN_VARIABLE", "Secret", "find_token"]

TOKEN_VARIABLE = "MIDIKIT_TOKEN"  # noqa: S105 - the name of the variable, not what is in it
"""Environment variable that holds the token."""

_FILE = "token"
_OTHERS = 0o077
_MAX_LENGTH = 8192
_MASK = "[token]"
_SHORTEST_REDACTED = 6
"""Shorter tokens would be found in any message."""


class Secret:
    r"""A token that does not show itself.

    Its ``repr`` and ``str`` are masked, and it can be neither pickled nor copied.

    Parameters
    ----------
    token : str
        What to send; white space around it is taken off.

    Raises
    ------
    TokenError
        If it is empty, or anything but printable ASCII without spaces; it is not quoted.

    Examples
    --------
    >>> print(Secret("opens-everything\n"))
    Secret('***')
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        try:
            self._token, problem = _checked(token)
        finally:
            del token  # a traceback with its local variables is no place for it
        if problem:
            raise TokenError("", problem)

    def reveal(self) -> str:
        """Give the token itself, for the header of a request and nothing else.

        Returns
        -------
        str
            The token.
        """
        return self._token

    def redact(self, text: str) -> str:
        """Mask the token in somebody else's words.

        Parameters
        ----------
        text : str
            A message that may quote the token.

        Returns
        -------
        str
            The text, with a mask in its place.

        Examples
        --------
        >>> Secret("opens-everything").redact("bad token opens-everything")
        'bad token [token]'
        """
        if len(self._token) < _SHORTEST_REDACTED:
            return text
        return text.replace(self._token, _MASK)

    def redact_bytes(self, data: bytes) -> bytes:
        """Mask the token in somebody else's bytes, as it is or as JSON writes it.

        Parameters
        ----------
        data : bytes
            A body that may quote the token.

        Returns
        -------
        bytes
            The same bytes, with a mask in its place.

        Examples
        --------
        >>> Secret("opens-everything").redact_bytes(b"bad token opens-everything")
        b'bad token [token]'
        """
        if len(self._token) < _SHORTEST_REDACTED:
            return data
        in_json = json.dumps(self._token)[1:-1]
        for form in dict.fromkeys((self._token, in_json, in_json.replace("/", "\\/"))):
            data = data.replace(form.encode(), _MASK.encode())
        return data

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a token is neither pickled nor copied")


def find_token(
    token: str | Secret | None = None, *, base_url: str = DEFAULT_BASE_URL
) -> Secret | None:
    """Take the token from an argument, the environment or its file.

    Parameters
    ----------
    token : str, Secret or None, optional
        A token, or None for that of the environment or, failing that, of the file.
    base_url : str, optional
        Where it will be sent; the token of the file goes to no other place than the file says.

    Returns
    -------
    Secret or None
        The token; None if there is none anywhere.

    Raises
    ------
    TokenError
        If there is one that cannot be sent, or its file cannot be read or can be by others; it is
        not quoted.

    Examples
    --------
    >>> find_token("opens-everything")
    Secret('***')
    """
    try:
        if isinstance(token, Secret):
            return token
        if token is None:
            token = os.environ.get(TOKEN_VARIABLE, "")
            if not token.strip():
                return _stored_token(base_url)
        return Secret(token)
    finally:
        del token  # as above


def _stored_token(base_url: str) -> Secret | None:
    """Read the token of the file, if there is one for this base."""
    path = home_folder() / _FILE
    shown = printable(path, 200)
    lines: list[str] = []
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(descriptor).st_mode) & _OTHERS:
                raise TokenError("", f"{shown}: others can read the token; run chmod 600 on it")
            lines = file.read(2 * _MAX_LENGTH).decode("utf-8", "replace").splitlines()
        meant = lines[1].strip() if len(lines) > 1 else ""
        if (meant or DEFAULT_BASE_URL).rstrip("/") != base_url:
            return None
        return Secret(lines[0] if lines else "")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenError("", f"{shown}: cannot be read: {error.strerror}") from None
    finally:
        lines.clear()  # as above


def _checked(token: object) -> tuple[str, str]:
    """Return a token without the white space around it, or nothing and what is wrong with it."""
    clean = token.strip() if isinstance(token, str) else ""
    again = f"set {TOKEN_VARIABLE} to the token of your account"
    if not clean:
        return "", f"the token is empty; {again}"
    if len(clean) > _MAX_LENGTH or not (clean.isascii() and clean.isprintable()) or " " in clean:
        return "", f"the token cannot be sent, expected printable ASCII without spaces; {again}"
    return clean, ""
