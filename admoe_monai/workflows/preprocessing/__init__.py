"""Scans of a cohort onto the template, once and for all."""
