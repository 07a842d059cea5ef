"""Connection limits, sign-in of connections, and the token issuer's keys."""
