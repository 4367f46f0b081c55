"""Keys, sealing, masking and the audit file."""
