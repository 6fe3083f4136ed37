"""A training step of the plain CNN with its channels side by side in memory, beside PyTorch's default layout, in turn.

python scripts/benchmarks/memory_format.py [--batch_size 8] [--img_size 48 60 48] [--repeats 5] [--threads 1]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from admoe_monai.networks.nets import PlainCNN


def step_seconds(network: torch.nn.Module, images: torch.Tensor) -> float:
    """Time one forward and backward pass."""
    start = time.perf_counter()
    network(images).square().mean().backward()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--img_size", type=int, nargs="+", default=[48, 60, 48])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images = torch.randn(arguments.batch_size, 1, *arguments.img_size)
    networks = {
        "default layout": PlainCNN(len(arguments.img_size), 1).to(memory_format=torch.contiguous_format),
        "channels side by side": PlainCNN(len(arguments.img_size), 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for repeat in range(arguments.repeats + 1):
        for name, network in networks.items():
            taken = step_seconds(network, images)
            if repeat:  # the first one warms up
                seconds[name].append(taken)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.3f} s a step ({min(seconds[name]):.3f} to {max(seconds[name]):.3f})")
    before, after = medians.values()
    print(f"channels side by side take {after / before:.2f} of the time")


if __name__ == "__main__":
    main()
