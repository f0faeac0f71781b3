"""SAM 2 and the models that share its image path: EdgeTAM, and SAM 3's tracker for points and boxes."""
