"""Asking payers about claims: connectors as data, transport, workflow, status codes."""
