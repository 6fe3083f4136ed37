"""What disturbed scans and missing clinical values cost a run's best model."""

from .conditions import read_strengths
from .run import stress_run

__all__ = ["read_strengths", "stress_run"]
