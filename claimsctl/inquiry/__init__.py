"""Asking the workspace about its claims: finding, showing, counting, exporting, and what staff change."""
