"""Settings chosen from what a datalist and this machine are like, each with its reason."""
