"""The `admoe` command: thin, one file per subcommand; nothing imports it."""
