"""The demo songs' scores, a file a song."""
