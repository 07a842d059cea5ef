"""What the exchanges say, in our terms: one file per exchange, from its shapes to market events."""
