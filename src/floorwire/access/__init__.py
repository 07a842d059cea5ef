"""Who is connected, and signed in as whom: admission, the authenticator, the token issuer's keys."""
