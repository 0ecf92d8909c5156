"""Watches TikTok hashtag campaigns: collects, tracks, alerts and reports.

The public API: the exceptions, the models, and `tagtide.bootstrap.open_app` for programs that want
to run the use cases of `tagtide.services` themselves.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
