"""Rules: packs, the rule language, evaluation and findings."""
