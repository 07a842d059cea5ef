"""What runs Floorwire: real servers in front of it, what watches it, and its packages."""
