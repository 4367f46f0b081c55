"""Edits of claimsctl.toml that keep its comments: practices, and which payer an insurance id means."""
