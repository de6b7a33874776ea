"""Where the log and the vault are kept."""
