"""The parts of one run of the main job; `claimsctl.pipeline` puts them in order."""
