"""The feed of a venue: the task that runs it, publishes its prices, and notices its silence."""
