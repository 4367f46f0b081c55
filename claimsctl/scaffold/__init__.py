"""What `claimsctl init` lays into a new workspace."""
