"""The workspace: claims and patients in DuckDB, jobs in SQLite, line parts in Parquet."""
