"""Reports on a run and on a dataset, each as one HTML page that opens offline."""

from samtailor.report.page.render import render_dataset, render_page

__all__ = ["render_dataset", "render_page"]
