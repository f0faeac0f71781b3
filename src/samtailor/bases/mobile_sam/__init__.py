"""MobileSAM, the bundled base."""

__all__ = ["NAME"]

NAME = "mobile-sam"
