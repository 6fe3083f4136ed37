"""Registration of a cohort's scans to the template, once and for all."""
