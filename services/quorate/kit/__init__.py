"""Shared shell of all services: configuration, logs, metrics, gRPC, conversion."""
