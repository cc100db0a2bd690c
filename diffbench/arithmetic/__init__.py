"""Number systems in which one plain NumPy program can run; one module per number system."""
