"""Subscriptions, fan-out, resume, and one connection a client."""
