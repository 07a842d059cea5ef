"""Origins (RFC 6454) in a head: which are there, and which are pages of a gateway on this machine."""

from __future__ import annotations

import re
from typing import Final

ORIGIN: Final = re.compile(rb"^origin:[ \t]*([^\r\n]*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
OURS: Final = re.compile(rb"https?://(localhost|127(\.\d+){3}|\[[0-9a-f:.]+\])(:\d*)?/?", re.IGNORECASE)
