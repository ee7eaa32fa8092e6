"""The contract-runner: executes contracts in children that may be lost."""
