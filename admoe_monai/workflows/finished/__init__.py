"""What is done with a run that has ended: predictions, figures, reports, a look into its files."""
