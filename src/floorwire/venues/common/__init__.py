"""Parts that several exchange adapters share: links, books kept from changes, decimals, feed statuses."""

from floorwire.compiled import path

__path__ = path(__path__)
