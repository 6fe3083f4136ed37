"""Settings of a run: their declaration, the command line, and what a resume may change."""
