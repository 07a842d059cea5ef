"""The load generator behind ``floorwire bench``: cheap clients in one thread, bounded in count and time."""
