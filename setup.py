"""What pyproject.toml cannot say: a part in C that may fail to compile."""

from setuptools import Extension, setup

# Without a compiler hub/straight.py does the same in Python.
setup(ext_modules=[Extension("floorwire.hub.sendloop", ["src/floorwire/hub/sendloop.c"], optional=True)])
