"""Configuration of the documentation site: Sphinx, MyST Markdown, the PyData theme."""

import importlib.metadata
import inspect
import os

from sphinx.util.inspect import stringify_signature

# Building the API reference imports TensorFlow, whose native log is noise here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "Lipschitz GAN Zoo"
author = "Lipschitz GAN Zoo maintainers"
release = version = importlib.metadata.version("lipschitz-gan-zoo")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

# The outputs of the notebook are stored in its file.
nb_execution_mode = "off"

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
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 2,
}
copyright = "2026, the Lipschitz GAN Zoo maintainers; Apache License 2.0"

# A console block is copied without its comments' shell prompts, and a `$` is a variable.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# The API reference is one page; it has no neighbours to list.
html_sidebars = {"api": []}


def setup(app):
    """Registers the hooks below."""
    app.connect("autodoc-process-docstring", separate_examples, priority=100)
    app.connect("autodoc-process-signature", constructor_signature)


def separate_examples(app, what, name, obj, options, lines):
    """Inserts the empty line between `Example:` and `>>>` that reStructuredText needs.

    The docstrings follow Keras' style, which has none.
    """
    for place in reversed(range(len(lines) - 1)):
        if lines[place].strip() == "Example:" and lines[place + 1].lstrip().startswith(">>>"):
            lines.insert(place + 1, "")


def constructor_signature(app, what, name, obj, options, signature, returned):
    """Returns the arguments of `__init__`: Keras' `__new__` hides them as `*args, **kwargs`."""
    if what != "class" or signature != "(*args, **kwargs)":
        return None
    found = inspect.signature(obj.__init__)
    arguments = list(found.parameters.values())[1:]
    shown = found.replace(parameters=arguments, return_annotation=found.empty)
    return stringify_signature(shown, show_annotation=True, unqualified_typehints=True), returned
