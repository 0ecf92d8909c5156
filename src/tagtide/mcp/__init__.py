"""The own history for agents, over the Model Context Protocol."""

from tagtide.mcp.stdio import serve_stdio

__all__ = ["serve_stdio"]
