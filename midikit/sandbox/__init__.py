"""The embedded endpoint: a loopback server with songs of its own."""

from __future__ import annotations

from midikit.sandbox import songs
from midikit.sandbox.endpoint import Sandbox
from midikit.sandbox.server import serve

__all__ = ["Sandbox", "serve", "songs"]
