"""Rows out of tagtide as CSV, JSON lines and workbooks (`exports.xlsx`), streamed."""

from tagtide.exports.rows import KINDS as KINDS
from tagtide.exports.rows import export_chunk as export_chunk
from tagtide.exports.rows import export_rows as export_rows
