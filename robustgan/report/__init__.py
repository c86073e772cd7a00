"""From tables to Markdown, HTML, CSV, LaTeX and figures. Nothing here imports torch."""
