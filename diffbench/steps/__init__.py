"""How h is chosen; one module per family of rules."""
