"""The shape in which a deployment runs: real servers, real worker, real beat."""
