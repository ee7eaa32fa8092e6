"""The `quorate` command: data on stdout, progress on stderr, exit codes from kit/faults.py."""
