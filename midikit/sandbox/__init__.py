"""The embedded endpoint: a loopback server with songs of its own."""
