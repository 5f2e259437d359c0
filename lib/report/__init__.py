"""The report: a page of every executed notebook, an index of all, and the README's tables."""
