"""Orders at exchanges over real sockets."""
