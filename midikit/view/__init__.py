"""Pictures of songs, and pages to listen to them."""
