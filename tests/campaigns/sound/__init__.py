"""Sound inputs, which campaigns damage: a small task in each format, pictures, and the files of a run."""
