"""How likely a payer is to deny a claim: its features, and what judges them."""
