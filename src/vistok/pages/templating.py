"""The one mechanism for pages: Jinja templates, with every value escaped for the template's format."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from vistok.errors import printable
from vistok.pages.escapes import latex, latex_code, markdown

MISSING = "–"


@dataclass(frozen=True, slots=True)
class Format:
    """How a format escapes plain text, and code between backticks."""

    text: Callable[[str], str]
    code: Callable[[str], str]


FORMATS = {
    "txt": Format(lambda text: text.replace("`", "'"), lambda code: f"`{code}`"),
    "html": Format(escape, lambda code: f"<code>{escape(code)}</code>"),
    "md": Format(markdown, lambda code: f"`{code}`"),
    "tex": Format(latex, latex_code),
}


def render(template: str, **values: Any) -> str:
    r"""Returns a template of `pages/templates`, filled in; the suffix before `.j2` is the format it is escaped for.

    A LaTeX template writes `<< value >>`, `<% tag %>` and `<# comment #>`: there braces and per cent signs are text.
    """
    return _environment(latex=template.endswith(".tex.j2")).get_template(template).render(**values)


def sentences(template: str, **values: Any) -> dict[str, str]:
    """Returns the texts that a template sets, by name, each in one line; only code is in backticks."""
    module = _environment(latex=False).get_template(template).make_module(values)
    texts = {name: value for name, value in vars(module).items() if isinstance(value, Markup)}
    return {name: _in_one_line(text) for name, text in texts.items()}


def paragraphs(template: str, **values: Any) -> list[str]:
    """Returns the paragraphs of a template in plain text, each in one line; only code is in backticks."""
    blocks = re.split(r"\n\s*\n", render(template, **values))
    return [text for block in blocks if (text := _in_one_line(block))]


def _in_one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).strip()


@cache
def _environment(*, latex: bool) -> Environment:
    if latex:
        return _environment(latex=False).overlay(
            block_start_string="<%",
            block_end_string="%>",
            variable_start_string="<<",
            variable_end_string=">>",
            comment_start_string="<#",
            comment_end_string="#>",
        )
    environment = Environment(
        loader=PackageLoader("vistok.pages"),
        autoescape=True,  # `_finalised` has escaped it for this format
        finalize=_finalised,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(prose=prose, show=show, cited=cited, fmt=format, quoted=repr, p=p_text)
    environment.tests.update(numeric=_is_numeric)
    return environment


def _format(context: Context) -> Format:
    return FORMATS[str(context.name).removesuffix(".j2").rpartition(".")[2]]


@pass_context
def _finalised(context: Context, value: object) -> Markup:
    """Returns a value escaped for the page."""
    return value if isinstance(value, Markup) else Markup(_format(context).text(printable(str(value))))


@pass_context
def prose(context: Context, text: str) -> Markup:
    """Returns text for a page, with code between backticks set as code."""
    to, spans = _format(context), printable(text).split("`")
    return Markup("").join(
        Markup(to.code(span) if index % 2 else to.text(span)) for index, span in enumerate(spans)
    )


def cited(label: str) -> tuple[str, str]:
    """Returns a label's name and its citation: 'MAE (He et al., 2022)' -> 'MAE', 'He et al., 2022'."""
    match = re.fullmatch(r"(.+?)\s*\((.+)\)", label)
    return (match[1], match[2]) if match else (label, "")


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


def p_text(p_value: float) -> str:
    """Returns a p-value as text: 'p = 0.038', 'p = 2.6e-13'."""
    if p_value >= 0.001:
        return f"p = {p_value:.3f}".rstrip("0").rstrip(".")
    return "p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.1e}"


def rounded(value: float) -> float:
    """Returns a float to six significant digits, so that last bits do not show in committed files."""
    return float(f"{value:.6g}")


def _is_numeric(value: object) -> bool:
    return isinstance(value, int | float) or bool(re.fullmatch(r"[+-]?[\d,.]+", str(value)))
