"""A config that no run has taken yet: what is wrong with it, and the network that it would build."""
