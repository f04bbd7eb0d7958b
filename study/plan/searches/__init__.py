"""How settings are searched: where, in which order, and which candidate is best."""
