"""Safe repairs of form: what a spreadsheet or an export did to a cell, undone; never what a cell says."""
