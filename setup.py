"""What pyproject.toml cannot say: what is in C, or becomes it, and may fail to compile."""

import os
import re
import shutil
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = Path("src")
sys.path.insert(0, str(SOURCES))

from floorwire.compiled import ROOMS, folder  # noqa: E402

# Small and quick to compile; measured: -O2 makes nothing faster here.
FLAGS = [] if sys.platform == "win32" else ["-O1", "-g0", "-Werror=incompatible-pointer-types"]
# The same as from the sources: no other meaning of annotations, and None has no attributes of other types.
AS_PYTHON = {"language_level": "3", "annotation_typing": False, "nonecheck": True}
READS = re.compile(r"= __Pyx_PyObject_GetAttrStr\((\w+), (__pyx_mstate_global->__pyx_n_u_\w+)\)")


def compiled(room: str) -> list[Extension]:
    """Return the room's modules as extensions, each from the Python that it would be without."""
    package = SOURCES / "floorwire" / room
    extensions = cythonize(
        [
            Extension(
                f"floorwire.{room}.{source.stem}",
                [str(source)],
                include_dirs=[str(package.parent)],
                depends=[str(package.parent / "slots.h")],
                extra_compile_args=FLAGS,
            )
            for source in sorted(package.glob("*.py"))
            if source.stem != "__init__"
        ],
        build_dir="build",
        compiler_directives=AS_PYTHON,
    )
    place = f"floorwire.{room}.{folder(package).name}"
    for extension in extensions:
        generated = Path(extension.sources[0])
        text = READS.sub(r"= SLOT_GET(\1, \2)", generated.read_text())
        generated.write_text(
            text.replace('#include "Python.h"', '#include "Python.h"\n#include "slots.h"', 1)
        )
        extension.optional = True
        extension.name = f"{place}.{extension.name.rpartition('.')[2]}"
    if not any("= SLOT_GET(" in Path(extension.sources[0]).read_text() for extension in extensions):
        raise ValueError("Cython writes attribute reads in another way than READS says")
    return extensions


class BuildRooms(build_ext):
    """A room is compiled whole or not at all: its compiled modules know how each other's objects lie."""

    def finalize_options(self) -> None:
        """Called before anything is built."""
        super().finalize_options()
        self.parallel = os.cpu_count()

    def build_extensions(self) -> None:
        """Called to build all; those that fail are left out."""
        super().build_extensions()
        for room in ROOMS:
            modules = [Path(self.get_ext_fullpath(one.name)) for one in self._of(room)]
            if not all(module.exists() for module in modules):
                shutil.rmtree(modules[0].parent, ignore_errors=True)

    def copy_extensions_to_source(self) -> None:
        """Called where they are to lie beside their sources: those of earlier sources go."""
        for room in ROOMS:
            package = SOURCES / "floorwire" / room
            for earlier in package.glob("compiled_*"):
                shutil.rmtree(earlier)
            if Path(self.build_lib, *self._of(room)[0].name.split(".")).parent.is_dir():
                folder(package).mkdir()
        super().copy_extensions_to_source()

    def _of(self, room: str) -> list[Extension]:
        return [one for one in self.extensions if one.name.startswith(f"floorwire.{room}.")]


# Without a compiler hub/direct_send.py does the same in Python.
sendloop = Extension("floorwire.hub.sendloop", ["src/floorwire/hub/sendloop.c"], optional=True)
setup(
    ext_modules=[sendloop, *(extension for room in ROOMS for extension in compiled(room))],
    cmdclass={"build_ext": BuildRooms},
)
