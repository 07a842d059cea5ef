"""Parts that several exchange adapters share: links, books kept from changes, decimals, feed statuses."""
