"""Transfers that wait for a secret or a height, with a way back (docs/protocol.md#A8)."""
