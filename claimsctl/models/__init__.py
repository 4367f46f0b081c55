"""Risk models as things one trains, keeps, measures and chooses."""
