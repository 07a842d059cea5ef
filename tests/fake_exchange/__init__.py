"""A fake exchange over real sockets.

It is written from the exchanges' documents and not from Floorwire's adapters."""
