"""Export: the parts of an exported bundle, and the functions that its configs call."""
