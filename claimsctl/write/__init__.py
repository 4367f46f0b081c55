"""Output files: accepted and rejected rows, errors, malformed records, summary; all or nothing."""
