"""The Simplex engine: a pure state machine, `handle(event) -> effects` (docs/protocol.md)."""
