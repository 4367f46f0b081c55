"""Asking payers about claims in bulk: rows or stored claims in, answers out, each claim asked once."""

import os

# Asking takes hours and little memory: what Polars gives back after the claims are taken in goes to the
# system at once. Its allocator reads this when it is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0,narenas:1,tcache:false")
