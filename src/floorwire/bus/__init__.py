"""Carries events from feeds to hubs."""
