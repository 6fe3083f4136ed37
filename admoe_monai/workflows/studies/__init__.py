"""A study: arms, folds and seeds of one file, run by Snakemake and brought together in one report."""
