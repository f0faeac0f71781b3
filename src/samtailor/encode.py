"""Encode images ahead of time, so that later steps need not run the encoder."""

from samtailor.embeddings.encoding import EncodeReport, encode_images

__all__ = ["EncodeReport", "encode_images"]
