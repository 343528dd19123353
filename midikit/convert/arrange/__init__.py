"""What a .mid of a song will hold: programs, channels, ticks, overlaps, decided and listed."""
