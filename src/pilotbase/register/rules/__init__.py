"""What decides about filings: states, tiers, bills of materials. Pure."""
