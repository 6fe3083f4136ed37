"""How much is tried: a few inputs of each kind as a rule, always the same; `FUZZ_INPUTS=10000` for the whole of it."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

# Nothing is left in the working directory.
set_hypothesis_home_dir(os.path.join(tempfile.gettempdir(), f"hypothesis-{os.getuid()}"))
settings.register_profile(
    "admoe",
    max_examples=int(os.environ.get("FUZZ_INPUTS", "60")),
    derandomize=True,
    database=None,
    deadline=None,
    # Readers read files: a folder serves all inputs of a test.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("admoe")
