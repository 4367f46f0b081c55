"""Requests to payers: permitted, paced, repeated where that is safe, bounded in time and size."""
