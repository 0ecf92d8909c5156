"""Use cases, one verb per file: load what a decision needs, decide in `core`, store the result."""
