"""Damage to files: bytes, trees of values, texts with a structure, pictures, and files that are no files."""
