"""The history of the tables; one for both engines, only ever added to."""
