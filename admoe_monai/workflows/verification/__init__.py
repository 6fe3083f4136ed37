"""Was a run computed as it claims? Its files against its own record, and its epochs computed again."""
