"""Passes market events from feeds to hubs."""
