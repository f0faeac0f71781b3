"""Encode images once, so that no later step waits for the encoder."""

from samtailor.embeddings.encoding import EncodeReport, encode_images

__all__ = ["EncodeReport", "encode_images"]
