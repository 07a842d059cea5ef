"""The vocabulary that every room shares: pure, no I/O, no clock."""
