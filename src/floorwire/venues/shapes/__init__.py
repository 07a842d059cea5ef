"""What the exchanges send, as types: one file per exchange and protocol."""
