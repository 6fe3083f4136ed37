"""What a machine grants to a process, and what a training step takes of it."""
