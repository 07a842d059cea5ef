"""How the packages that others install are built, and tried."""
