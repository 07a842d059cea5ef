"""What every test shares: property tests are judged by what they find, not by how fast the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("floorwire", deadline=None, print_blob=True)
settings.load_profile("floorwire")
