"""Encryption of the user's own tables and files, with the keys of a workspace."""
