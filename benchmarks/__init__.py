"""Benchmarks: what an operation costs, always as a ratio to a bare view on the same server in the same run."""
