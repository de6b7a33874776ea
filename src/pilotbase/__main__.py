"""``python -m pilotbase``."""

from pilotbase.main import main

main()
