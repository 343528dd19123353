"""The paid endpoint: ask once, wait, keep what was paid for."""
