"""Finding patients' data where it should not be: in logs, exports, archives and databases."""
