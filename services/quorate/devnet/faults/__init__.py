"""Faults of a local network's links: a relay between validators that delays, loses and cuts."""
