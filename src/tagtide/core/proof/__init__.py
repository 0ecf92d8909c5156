"""The proof capsule: a campaign report in one file, with every reading behind its figures.

`chain` writes and reads the data part, `entries` makes it from a report, `parsing` reads it back,
`figures` works the figures out again, `contents` says what the page shows, `verify` judges a file.
Nothing in `chain`, `parsing`, `figures` and `counters` uses the arithmetic of the reports: two ways
to the same figure are what makes it a proof. docs/proof.md describes the format.
"""

#: Of the data part; a file with a newer one is refused.
SCHEMA = 1
#: Of the page around it; grows whenever the same data would be drawn in other bytes.
FORM = 1
