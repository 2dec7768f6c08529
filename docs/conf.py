"""Configuration of the documentation site: Sphinx, MyST Markdown, the PyData theme."""

import importlib.metadata
import os

# Building the API reference imports TensorFlow, whose native log is noise here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "Lipschitz GAN Zoo"
author = "Lipschitz GAN Zoo maintainers"
release = version = importlib.metadata.version("lipschitz-gan-zoo")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".md": "markdown"}

# GitHub renders the same pages, so only what it shows too is turned on.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Docstrings put code in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"show-inheritance": True}
autosummary_generate = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Subclass attributes", "params_style"), "Source"]

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "use_edit_page_button": False,
}
copyright = "2026, the Lipschitz GAN Zoo maintainers; Apache License 2.0"

# A console block is copied without its comments' shell prompts, and a `$` is a variable.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
