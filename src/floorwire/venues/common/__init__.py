"""What several exchange adapters are built from: links, books from differences, decimals, feed states."""
