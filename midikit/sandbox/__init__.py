"""The embedded endpoint: a loopback server with songs of its own, and faults to rehearse."""

from __future__ import annotations

from midikit.sandbox import songs
from midikit.sandbox.endpoint import Sandbox
from midikit.sandbox.ledger import Account, Ledger, Visit
from midikit.sandbox.rehearsal import FAULTS
from midikit.sandbox.server import serve

__all__ = ["FAULTS", "Account", "Ledger", "Sandbox", "Visit", "serve", "songs"]
