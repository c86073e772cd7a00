"""Suites and measurements behind the published numbers."""
