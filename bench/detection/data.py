"""Where the real series lie."""

from __future__ import annotations

import os
from pathlib import Path


class DataMissing(SystemExit):
    """The real series are not part of the project."""


def shared_data() -> Path:
    """Folder of the real series; ends the benchmark with a sentence where it is absent."""
    here = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("TAGTIDE_SHARED", str(here))) / "data"
    if not folder.is_dir():
        raise DataMissing(f"the real series are not here: {folder} (set TAGTIDE_SHARED)")
    return folder
