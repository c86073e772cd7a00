"""From the tables of a run to a report: Markdown, one HTML file, CSV, LaTeX and figures. Needs no torch.

`render.py` is the way in. What the report says is built once as a `Document` (`document.py`, `sections/`);
`page.py`, `markdown.py` and `latex.py` write the same content in their own way.
"""
