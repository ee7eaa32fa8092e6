"""The pure core: no clock, randomness, I/O, asyncio, protobuf or logging (see import-linter)."""
