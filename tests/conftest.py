"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real, pseudonymised payloads and series that is not part of the repository."""
    here = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("TAGTIDE_SHARED", str(here))) / "data"
    if not folder.is_dir():
        pytest.skip(f"real payloads are not here: {folder} (set TAGTIDE_SHARED)")
    return folder
