"""The I/O that venues need: reading recordings, and making venues from the settings."""
