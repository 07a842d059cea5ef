"""The exchange, pure and deterministic: commands in, events out."""
