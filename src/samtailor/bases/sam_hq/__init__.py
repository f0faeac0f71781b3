"""HQ-SAM: SAM with one more token and early features for finer masks (Ke et al. 2023, arXiv 2306.01567)."""
