"""Asking payers about claims in bulk: rows or stored claims in, answers out, each claim asked once."""
