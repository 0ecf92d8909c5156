"""The own history for agents, over the Model Context Protocol."""

from tagtide.mcp.http import open_endpoint
from tagtide.mcp.stdio import serve_stdio

__all__ = ["open_endpoint", "serve_stdio"]
