"""The tables that papers print, for booktabs."""

from __future__ import annotations

from pathlib import Path

from robustgan.report.document import Block, Document, Table
from robustgan.report.folder import Folder
from robustgan.report.sections import drops

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "\n": " ",
}


def write(document: Document, found: Folder, folder: Path) -> None:
    """Write `clean.tex`, `drops.tex` and `fooling.tex`: one `tabular` a table, in the order of the report."""
    folder.mkdir(exist_ok=True)
    blocks_of = {section.anchor: section.blocks for section in document.sections}
    files = {
        "clean": blocks_of["clean"],
        "drops": tuple(drops.compact(found, model) for model in found.judged),
        "fooling": blocks_of["generated"],
    }
    for name, blocks in files.items():
        (folder / f"{name}.tex").write_text(_file(blocks), "utf-8", newline="\n")


def _file(blocks: tuple[Block, ...]) -> str:
    found = [tabular(block.filled) for block in blocks if isinstance(block, Table)]
    return "% needs \\usepackage{booktabs}\n" + ("\n".join(found) or "% nothing to show\n")


def tabular(table: Table) -> str:
    """A table as LaTeX, with its caption as a comment above it."""
    numeric = [any(row[i].numeric for row in table.rows) for i in range(len(table.columns))]
    lines = [" & ".join(escape(cell.text) for cell in row) + r" \\" for row in table.rows]
    head = " & ".join(escape(column) for column in table.columns) + r" \\"
    shape = "".join("r" if right else "l" for right in numeric)
    return "\n".join(
        (
            f"% {' '.join(table.caption.split())}",
            rf"\begin{{tabular}}{{{shape}}}",
            r"\toprule",
            head,
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        )
    )


def escape(text: str) -> str:
    """Plain text for LaTeX."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)
