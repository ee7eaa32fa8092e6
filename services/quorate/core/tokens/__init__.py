"""Tokens of anyone's making: first-class balances beside the native one (docs/protocol.md#A1)."""
