"""Charts as data: one Vega-Lite spec for the page, the PDF, the e-mail and the chat image."""

from tagtide.core.charts.base import Chart

__all__ = ["Chart"]
