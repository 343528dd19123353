"""What nobody played: ghost notes found by their reasons, taken out and listed."""
