"""What `claimsctl doctor` looks at: a workspace and what surrounds it."""
