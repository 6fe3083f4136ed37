"""Long work, and whether memory, open files, threads and disk stay level in it.

python scripts/benchmarks/load.py datalist --count 10000     # visits: prepared, loaded, audited
python scripts/benchmarks/load.py epochs --count 500         # of a tiny network
python scripts/benchmarks/load.py pruned --count 1000        # checkpoints, of which three are kept
python scripts/benchmarks/load.py resumes --count 100        # one behind the other, in one process
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

WORK = {"datalist": 10_000, "epochs": 500, "pruned": 1000, "resumes": 100}


def main() -> None:
    """Read the command line, do the work and print the table; exit code 1 if something grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("--count", type=int, help="number of steps; as above by default")
    arguments = parser.parse_args()
    import load_steps
    from tiny_runs import make_cohort

    count = arguments.count or WORK[arguments.work]
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.perf_counter()
        if arguments.work == "datalist":
            for step, seconds in load_steps.large_datalist(folder, count).items():
                print(f"{step:24} {seconds:8.1f} s")
            print(f"{'memory at its highest':24} {load_steps.peak_mib():8.0f} MiB")
            return
        if arguments.work == "pruned":
            steps = load_steps.pruned(folder, count)
        else:
            steps = getattr(load_steps, arguments.work)(folder / "run", make_cohort(folder / "cohort"), count)
    print(f"{len(steps)} steps in {time.perf_counter() - start:.0f} s")
    print(f"{'':12} {'first quarter':>14} {'last quarter':>14}")
    for name, (first, last) in load_steps.quarters(steps).items():
        print(f"{name:12} {first:14.2f} {last:14.2f}")
    found = load_steps.grown(steps)
    print("\n".join(found) or "all stays level")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
