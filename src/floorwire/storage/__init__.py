"""What survives a restart: accounts, keys, the audit log."""
