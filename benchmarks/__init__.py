"""Floorwire beside others: ``make bench``."""
