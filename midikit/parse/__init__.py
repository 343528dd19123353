"""Bytes in, songs out."""
