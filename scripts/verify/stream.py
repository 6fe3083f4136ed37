"""Compare the stream of training data with the golden file of the last release, or renew that file.

python scripts/verify/stream.py compare
python scripts/verify/stream.py renew --reason "why every run now sees other items"

The reason is kept in the file and belongs into CHANGELOG.md: who resumes a run of before sees other items from there on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

GOLDEN = ROOT / "tests/golden/stream.json"
HOW = (
    "Order of items and masks: exactly. Images: means over 4 blocks along each axis and the deviation within 0.002, voxels of "
    "the foreground within 1 %, shape and mask exactly; see tests/stream_samples.py."
)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compare", "renew"])
    parser.add_argument("--reason", help="why samples change; needed to renew the file")
    arguments = parser.parse_args()
    from stream_samples import differences, samples

    with tempfile.TemporaryDirectory() as folder:
        now = samples(Path(folder))
    before = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"samples": {}, "renewed": []}
    changed = differences(before["samples"], now) if GOLDEN.exists() else ["the file is new"]
    print("\n".join(changed) or "every sample is as in the golden file")
    if arguments.what == "compare":
        sys.exit(bool(changed))
    if not arguments.reason:
        parser.error("renew needs --reason, which belongs into CHANGELOG.md too")
    versions = {name: version(name) for name in ("torch", "monai", "numpy")}
    renewed = [*before["renewed"], {"reason": arguments.reason, "admoe_monai": version("admoe_monai"), **versions}]
    content = {"compared": HOW, "renewed": renewed, "samples": now}
    GOLDEN.write_text(json.dumps(content, indent=1).replace(",\n     ", ", ") + "\n")
    print(
        f"wrote {GOLDEN.relative_to(ROOT)}; for CHANGELOG.md: Training sees other items than before: {arguments.reason}"
    )


if __name__ == "__main__":
    main()
