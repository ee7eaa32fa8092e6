"""Changes by vote of the seats: of parameters and of the rules (docs/protocol.md#G1)."""
