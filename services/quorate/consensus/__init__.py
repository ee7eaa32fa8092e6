"""The consensus service: drives one epoch's engine; the only home of the seat key and vote log."""
