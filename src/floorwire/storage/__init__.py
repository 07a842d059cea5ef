"""What survives a restart: the journal of accounts and orders, keys, the audit log."""
