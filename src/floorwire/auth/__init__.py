"""Sign-in and authorization: keys, signatures, tokens, tickets, addresses. Pure: no I/O, no clock."""
