"""SQL in and out: the tables of a target, what a run hands over, and how it gets there.

Heavy parts (Polars, DuckDB, drivers) are imported where they are used.
"""
