"""The report as one HTML page that opens offline."""

from samtailor.report.page.render import render_page

__all__ = ["render_page"]
