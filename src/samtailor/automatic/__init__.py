"""Find every instance of a class without a click: proposals from the embedding, then the adapter's own decoder."""
