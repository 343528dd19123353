"""The values: notes, tracks, songs, tempo maps, beat grids, and what was repaired or changed."""
