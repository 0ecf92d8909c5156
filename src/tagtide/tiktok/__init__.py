"""The data API: `wire` turns bytes into models, `client` makes one attempt, `source` joins them."""

from tagtide.tiktok.recording import Recorder
from tagtide.tiktok.source import ScavioSource

__all__ = ["Recorder", "ScavioSource"]
