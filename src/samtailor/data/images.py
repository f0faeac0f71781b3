"""Read pictures: the functions of ``samtailor.data.pixels.images`` that other code uses."""

from samtailor.data.pixels.images import image_key, image_size, read_image

__all__ = ["image_key", "image_size", "read_image"]
