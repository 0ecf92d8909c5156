"""Pages and probes of a running process."""

from tagtide.web.app import make_app
from tagtide.web.server import listen, serve_overview, serve_pages, settle_memory

__all__ = ["listen", "make_app", "serve_overview", "serve_pages", "settle_memory"]
