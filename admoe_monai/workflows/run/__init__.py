"""One run: its data, its plan of phases, its folder, and the way back into the middle of it."""
