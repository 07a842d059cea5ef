"""Runs what venues ask for: links, answers, wake-ups, recordings."""
