"""Claims whose outcome is known, read so that models learn from them what runs will ask them."""
