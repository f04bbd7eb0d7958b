"""Sphinx for `make docs`: README.md is its first page, the links of "What next" are its contents, in that order.

The source folder is the whole repository, so that one relative link works on GitHub and in the site.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

project, author, copyright = "Evenhand", "The Evenhand developers", "The Evenhand developers, MIT license"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
myst_fence_as_directive = ["mermaid"]
root_doc, source_suffix = "README", {".md": "markdown"}
include_patterns = ["*.md", "docs/**", "config/README.md", "benchmarks/README.md"]
exclude_patterns = [".*", "docs/_build", "results", "study", "tests", "workflow", "profiles"]
myst_heading_anchors = 4  # as GitHub has them, to the same links
html_theme, html_title = "furo", "Evenhand"
html_copy_source = html_show_sourcelink = False


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """The contents of the site, behind the text of README.md, which has none for GitHub."""
    if name == root_doc:
        linked = re.findall(r"^- \[(.*?)\]\((.*?)\.md\)", source[0], re.M)
        lines = [f"{title} <{page}>" for title, page in linked]
        source[0] += "\n".join(["\n```{toctree}", ":hidden:", "", *lines, "```\n"])


def add_index(app: Sphinx, error: Exception | None) -> None:
    """A folder is opened at index.html."""
    (Path(app.outdir) / "index.html").write_text(f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n')


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_index)
