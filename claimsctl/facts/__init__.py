"""Derived columns shared by rules, pricing and scoring: typed values, ages, keys, pointers, payers."""
