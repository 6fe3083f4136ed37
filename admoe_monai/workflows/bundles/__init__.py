"""The hand-over: what an exported bundle is made of, and what its configs call."""
