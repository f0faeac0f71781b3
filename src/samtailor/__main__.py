"""``python -m samtailor``."""

from samtailor.cli import main

main()
