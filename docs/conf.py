"""How Sphinx builds these pages: `sphinx-build -W -b html docs build/docs`, offline, every warning an error.

Pages are Markdown (MyST). Those that are made from figures have a source NAME.in.md beside them, which is no page. The
tutorial is a Jupyter notebook, which becomes Markdown here: a converter of its own would bring some thirty packages.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import keras_stt  # noqa: E402
from keras_stt.cli.quiet import quiet_tensorflow  # noqa: E402

quiet_tensorflow()

project = "keras_stt"
author = "keras_stt"
html_show_copyright = False
version = release = keras_stt.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
exclude_patterns = ["*.in.md", "cards/*", "**/.ipynb_checkpoints"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"keras_stt {version}"
html_theme_options = {"source_edit_link": "", "top_of_page_buttons": []}
html_copy_source = False
html_show_sourcelink = False
autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"  # models are made by load_model
default_role = "code"  # docstrings write names in single backticks
add_module_names = False
highlight_language = "none"
SHELL = "%%sh\n"


def notebook_to_markdown(app, docname: str, source: list[str]) -> None:
    """Turns a notebook into Markdown as it is read: its texts, its code, and what the code printed."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    parts = []
    for cell in json.loads(source[0])["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(fenced_cell(text))
        said = "".join("".join(printed_of(output)) for output in cell["outputs"]).strip("\n")
        if said:
            parts.append(fenced(said, "text"))
    source[0] = "\n\n".join(parts) + "\n"


def printed_of(output: dict) -> list[str]:
    """The lines of one output of a cell."""
    return output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", [])


def fenced_cell(text: str) -> str:
    """The code of a cell; one that begins with %%sh is a command of the shell."""
    return fenced(text.removeprefix(SHELL), "sh") if text.startswith(SHELL) else fenced(text, "python")


def fenced(text: str, language: str) -> str:
    """Code that may hold fences of its own."""
    return f"``````{language}\n{text}\n``````"


def setup(app):
    app.connect("source-read", notebook_to_markdown)
    return {"parallel_read_safe": True}
