"""The FastAPI app: the ASGI wire, health, metrics and the page.

``uvicorn floorwire.web:create_app --factory`` serves it under any ASGI server; ``floorwire serve`` runs the
same app with the faster wire.
"""

from floorwire.web.app_factory import create_app

__all__ = ["create_app"]
