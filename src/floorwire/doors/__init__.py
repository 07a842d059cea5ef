"""Who may come in, as whom: keys, signatures, tokens, tickets, addresses. Pure: no I/O, no clock."""
