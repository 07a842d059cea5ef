"""The load generator behind ``floorwire bench``: many cheap clients in one thread, for a bounded time."""
