"""Reading claim files as text: every cell verbatim, every record with its place in the file.

`sources.open_sources` is the way in; the names are not imported here, because Polars is slow to load.
"""
