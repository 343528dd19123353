"""Standard MIDI File bytes and flat event tables: `decode` one way, `encode` the other."""
