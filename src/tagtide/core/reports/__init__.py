"""Reports as frozen facts: built from what was read, rendered elsewhere, spending nothing.

`build_daily`, `build_campaign`, `build_weekly` and `build_collect_summary` return dataclasses whose
``as_dict()`` is the documented JSON and which `core.messages` turns into blocks for people.
"""
