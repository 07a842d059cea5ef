"""The types that all other packages share. Pure: no I/O, no clock."""
