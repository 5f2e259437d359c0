"""Every claim of the four papers, the test fixed for it beforehand, and the rules that judge it."""
