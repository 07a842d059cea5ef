"""Run the commands as ``python -m floorwire``."""

from floorwire.cli import main

if __name__ == "__main__":
    main()
