"""General MIDI."""
