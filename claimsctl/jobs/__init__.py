"""Coming back to a run: what failed and why, trying again, taking it back, clearing up."""
