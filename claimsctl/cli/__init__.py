"""The command line: parse, call one function, print."""

import gc
import os

# Of what start-up makes nearly everything stays: looking through it for garbage took 0.2 s of a small run.
gc.set_threshold(10_000, 10, 10)
# Pydantic would look for plug-ins through every package there is, and show them the settings.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
