"""One format."""
