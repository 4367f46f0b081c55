"""An inbox: a directory whose files are processed once each, by a run of its own for every file."""
