"""The consensus service: drives the engine; the only home of the seat key and the vote log."""
