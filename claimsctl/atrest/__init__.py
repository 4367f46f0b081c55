"""What lies sealed in a workspace, sealed anew when its keys change."""
