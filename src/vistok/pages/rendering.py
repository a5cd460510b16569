"""Renders the audit's and the claims' pages from templates, with numbers as a reader wants them."""

import re
from typing import Any

MISSING = "–"


def render(template: str, **values: Any) -> str:
    """Returns a template of `pages/templates` filled in; HTML is escaped, Markdown is not."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vistok.pages"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(show=show, cell=_markdown_cell)
    environment.tests.update(numeric=_is_numeric)
    return environment.get_template(template).render(**values)


def show(value: object) -> str:
    """Returns a number as text: 10,000; 54.27; 35.9125; 1.4e-08; a dash for None."""
    if value is None:
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:.4g}" if abs(value) < 1 else f"{value:.6g}"


def rounded(value: float) -> float:
    """Returns a float to six significant digits, so that last bits do not show in committed files."""
    return float(f"{value:.6g}")


def _is_numeric(value: object) -> bool:
    return isinstance(value, int | float) or bool(re.fullmatch(r"[+-]?[\d,.]+", str(value)))


def _markdown_cell(value: object) -> str:
    return show(value).replace("|", "\\|").replace("\n", " ")
