"""What is measured about an adapter, each study in its own file."""
