"""Other validation tools doing one whole job: a claims file in, an error report with row numbers out.

Each module has `run(source, report) -> int`, which writes one CSV line a finding and returns how many.
Run one alone: `python -m benchmarks.peers dataframely claims.csv report.csv`.
"""
