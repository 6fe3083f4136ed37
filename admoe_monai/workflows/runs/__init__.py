"""Several runs, whatever their state: in a list, side by side, as folds of one plan."""
