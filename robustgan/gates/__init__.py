"""A policy in, a verdict out: pass, fail or indeterminate, with the bound that decided; no torch."""
