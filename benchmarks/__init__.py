"""Benchmarks of samtailor, run by ``python -m benchmarks``."""
