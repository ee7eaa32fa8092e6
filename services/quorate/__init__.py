"""Quorate: a validator cluster with delegated proof of stake and Byzantine finality."""

__version__ = "0.1.0"
