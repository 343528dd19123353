"""Keys: which one a song is in, and how that is written (notes -> Key -> key signatures)."""
