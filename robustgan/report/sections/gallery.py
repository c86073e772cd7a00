"""What the attacks look like."""

from __future__ import annotations

from robustgan.report import pictures
from robustgan.report.document import Paragraph, Section
from robustgan.report.folder import Folder


def section(folder: Folder) -> Section:
    """Original, change and attacked image, with the citation of the images under them."""
    drawn = [figure for model in folder.judged if (figure := pictures.examples(folder, model))]
    if not drawn:
        none = "This run kept no example images (gallery is 0 in the config, or nothing was attacked)."
        return Section("gallery", "Gallery", (Paragraph(none),))
    credit = f"Images: {folder.run['citation']}" if folder.run["citation"] else "Images: source not stated."
    return Section("gallery", "Gallery", (*drawn, Paragraph(credit, "note")))
