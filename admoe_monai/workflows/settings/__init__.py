"""What a run is told: declared settings, the command line, and what a resume may change."""
