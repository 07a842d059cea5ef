"""Venues, pure, one file each: inputs and the time in; market events and effects out."""
