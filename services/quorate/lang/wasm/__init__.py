"""WebAssembly: instructions with names (code.py), and the binary they become (module.py)."""
