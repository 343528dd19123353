"""Songs and beat grids: where the notes lie in the bar."""
