"""The local network: processes, ports, genesis, faults, load, on one machine for one person."""
