"""Contracts: code at an address, run by whoever executes the block (docs/contract-abi.md)."""
