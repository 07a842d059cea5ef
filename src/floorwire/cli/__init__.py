"""Commands, one file each."""


def main() -> None:
    """Run the command line."""
