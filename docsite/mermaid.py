"""Fetches Mermaid, which draws the diagrams in the reader's browser: ``python -m docsite.mermaid FILE``.

MkDocs Material would let the browser load it from another server. It is too large for the repository, so npm
fetches it when the site is built, and it has to be the file that was looked at. Without npm, diagrams stay
text.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "11.16.0"
INSIDE = "package/dist/mermaid.min.js"
SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"


def fetch(npm: str) -> bytes:
    """Return the file. Raises CalledProcessError, or ValueError if it is another one."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - npm, with a fixed package
            [npm, "pack", "--silent", f"mermaid@{VERSION}"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        with tarfile.open(Path(folder) / f"mermaid-{VERSION}.tgz") as archive:
            member = archive.extractfile(INSIDE)
            data = b"" if member is None else member.read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"{INSIDE} of mermaid {VERSION} is not the file that was looked at")
    return data


def main(target: Path) -> None:
    """Write the file, or say why there is none."""
    npm = shutil.which("npm")
    if npm is None:
        sys.stderr.write("There is no npm, so the diagrams of the site stay text.\n")
        return
    try:
        target.write_bytes(fetch(npm))
    except (subprocess.CalledProcessError, ValueError) as error:
        raise SystemExit(f"mermaid: {error}") from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
