"""What several exchange adapters are built from: lines, books from differences, decimals, statuses."""
