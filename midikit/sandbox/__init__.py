"""The embedded endpoint: a loopback server with songs of its own."""

from __future__ import annotations

from midikit.sandbox import songs
from midikit.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "serve", "songs"]
