"""Experiments from small configs: ``python -m experiments``; README.md says how."""
