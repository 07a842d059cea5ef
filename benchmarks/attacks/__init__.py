"""Attacks from one address against a whole server, and what a client at another address sees of them."""
