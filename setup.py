"""The extension modules: what is in C, or compiled to C. Floorwire works without them, too."""

import os
import re
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = Path("src")
sys.path.insert(0, str(SOURCES))

from floorwire.compiled import COMPILED_PACKAGES, LAYOUTS_OF, PURE, folder, sources  # noqa: E402

FLAGS = [] if sys.platform == "win32" else ["-g0", "-Werror=incompatible-pointer-types"]
# Compiled code must behave as the sources do: annotations keep their meaning, and None is checked, except in
# modules of the venues that say otherwise: nothing there may be None that mypy does not know of.
AS_PYTHON = {"language_level": "3", "annotation_typing": False, "nonecheck": True}
READS = re.compile(r"= __Pyx_PyObject_GetAttrStr\((\w+), (__pyx_mstate_global->__pyx_n_u_\w+)\)")


HOT = ("checked_book", "frame_scanner", "level_reader", "price_levels", "scanned_book", "venue_book")
"""The modules that see each level, or each byte."""


def optimization(package_name: str, module: str) -> list[str]:
    """Return the compiler's options for a module of a package.

    -O2 compiles nearly twice as long. It makes frames of exchanges 3 to 4% faster, and the engine no faster.
    Without a procedure linkage table, calls of CPython's functions take one jump less: 2%.
    """
    if sys.platform == "win32":
        return []
    if not package_name.startswith("venues/"):
        return ["-O1"]
    level = "-O3" if module in HOT else "-O2"
    return [level, "-fno-plt"] if sys.platform == "linux" else [level]


def compiled(package_name: str) -> list[Extension]:
    """Return the package's modules as extensions, compiled from their Python sources."""
    from Cython.Build import cythonize

    root = SOURCES / "floorwire"
    module = f"floorwire.{package_name.replace('/', '.')}"
    extensions = cythonize(
        [
            Extension(
                f"{module}.{source.stem}",
                [str(source)],
                include_dirs=[str(root)],
                depends=[str(root / "slots.h")],
                extra_compile_args=FLAGS + optimization(package_name, source.stem),
            )
            for source in sources(root, package_name)
        ],
        build_dir="build",
        compiler_directives=AS_PYTHON,
    )
    place = f"{module}.{folder(root / package_name).name}"
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


class BuildCompiledPackages(build_ext):
    """Compiles a package whole or not at all: its modules know the memory layout of each other's objects."""

    def finalize_options(self) -> None:
        """Build with all processors."""
        super().finalize_options()
        self.parallel = os.cpu_count()

    def build_extensions(self) -> None:
        """Build all. Remove a package where one module failed to compile, or one whose layout it knows."""
        super().build_extensions()
        for package_name in COMPILED_PACKAGES:
            of_others = LAYOUTS_OF.get(package_name)
            modules = self._modules(package_name)
            needed = modules + ([] if of_others is None else self._modules(of_others))
            if not all(module.exists() for module in needed):
                shutil.rmtree(modules[0].parent, ignore_errors=True)

    def copy_extensions_to_source(self) -> None:
        """Copy the modules beside their sources, and remove those of earlier sources."""
        for package_name in COMPILED_PACKAGES:
            package = SOURCES / "floorwire" / package_name
            for earlier in package.glob("compiled_*"):
                shutil.rmtree(earlier)
            if Path(self.build_lib, *self._of(package_name)[0].name.split(".")).parent.is_dir():
                folder(package).mkdir()
        super().copy_extensions_to_source()

    def _modules(self, package_name: str) -> list[Path]:
        return [Path(self.get_ext_fullpath(one.name)) for one in self._of(package_name)]

    def _of(self, package_name: str) -> list[Extension]:
        start = f"floorwire.{package_name.replace('/', '.')}."
        return [one for one in self.extensions if one.name.startswith(start)]


def extensions() -> list[Extension]:
    """Return all, or none where a wheel for any machine is asked for, or a source distribution."""
    if os.environ.get(PURE):
        return []
    # Without a compiler, hub/direct_send.py does the same in Python, and no intent is written early.
    in_c = [
        Extension(f"floorwire.{name.replace('/', '.')}", [f"src/floorwire/{name}.c"], optional=True)
        for name in ("hub/sendloop", "storage/block_writer")
    ]
    return [*in_c, *(one for package_name in COMPILED_PACKAGES for one in compiled(package_name))]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCompiledPackages})
