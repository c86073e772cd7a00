"""The pictures of a report: same numbers, same bytes, on any machine."""
