"""The FastAPI app, the two wires and the page."""
