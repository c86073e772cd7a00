"""What MkDocs calls while it builds: facts come from the code, pictures from `reports/`, and nothing from elsewhere.

A page asks for facts with `<!-- generate: NAME -->` (generate/__init__.py lists the names). A link that leaves `docs/`,
as `../reports/quickstart/report.html`, works on a forge as it stands; the site gets a copy and the link follows.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from generate import fill  # MkDocs puts this file's folder on the path
from generate.links import Outside, loaded, outward, placed

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository that the pages refer to."""
    pages = [file for file in files if file.src_uri.endswith(".md")]
    for target in sorted({link.target for page in pages for link in _outward(page)}):
        files.append(File.generated(config, placed(target), abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what is generated, then lead links to the copies of the files that they mean."""
    try:
        markdown = fill(markdown, ROOT)
    except KeyError as error:
        raise PluginError(f"{page.file.src_uri}: nothing is generated under the name {error}.") from None
    depth = len(PurePosixPath(page.file.src_uri).parts) - 1
    for link in outward(markdown, page.file.src_uri):
        markdown = markdown.replace(f"]({link.text})", f"]({'../' * depth}{placed(link.target)})")
    return markdown


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that would load anything from another machine."""
    if found := loaded(output, page.canonical_url or ""):
        raise PluginError(f"{page.file.src_uri}: loads from elsewhere: {found}")
    return output


def _outward(page: File) -> list[Outside]:
    found = outward(page.content_string, page.src_uri)
    for link in found:
        if not (ROOT / link.target).is_file():
            raise PluginError(f"{page.src_uri}: links to {link.text}, which is no file of the repository.")
    return found
