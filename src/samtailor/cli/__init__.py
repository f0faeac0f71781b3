"""The command line."""

from samtailor.cli.app import app, main

__all__ = ["app", "main"]
