"""Figures as people meet them: in words and tables, as pictures, on a page."""
