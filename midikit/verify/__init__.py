"""Proof: two songs compared note by note."""
