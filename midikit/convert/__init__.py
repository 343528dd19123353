"""Songs out of the house: one file a target."""
