"""ControlNet (planned): its claims are in the ledger."""
