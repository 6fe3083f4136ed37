"""Use of a run that has ended: predictions, figures, reports, a look into its files."""
