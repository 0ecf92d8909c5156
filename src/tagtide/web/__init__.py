"""Status pages: probes, metrics and one overview. Read-only, and without scripts."""

from tagtide.web.app import make_app
from tagtide.web.server import listen, serve_overview, serve_pages

__all__ = ["listen", "make_app", "serve_overview", "serve_pages"]
