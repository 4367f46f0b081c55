"""What a line should pay: fee schedule, modifiers, contracts. Pure: tables and terms are arguments."""
