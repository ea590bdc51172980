"""Faults of a deployment, each found before it serves (SEC-092)."""
