"""Why a figure moved: its change decomposed into the videos that are held."""

from tagtide.core.explain.decompose import NEAR, explain, moved_by
from tagtide.core.explain.parts import Doubt, Explanation, Moved

__all__ = ["NEAR", "Doubt", "Explanation", "Moved", "explain", "moved_by"]
