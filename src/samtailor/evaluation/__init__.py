"""Studies of an adapter, each in its own file."""
