"""The sections of `make bench`, each a module with `measure(bench)`; what they import is standard library."""
