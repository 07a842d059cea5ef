"""Backtests: a bot on a recording, in one process and in the time of the recording. docs/bots.md."""
