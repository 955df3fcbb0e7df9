"""What the page says, in both languages, as HTML."""

from __future__ import annotations

import html
import re

Both = dict[str, str]
"""A text as HTML, in Korean (`ko`) and in English (`en`)."""

_SYMBOLS = {
    r"\Delta": "Δ",
    r"\alpha": "α",
    r"\beta": "β",
    r"\mu": "μ",
    r"\sigma": "σ",
    r"\pm": "±",
    r"\times": "×",
    r"\%": "%",
    r"\_": "_",
    r"\,": "\u202f",
    "~": "\u00a0",
    "--": "\u2013",
}
_INDEX = re.compile(r"([_^])(?:\{([^{}]*)\}|(\w))")
_TAGS = {"_": "sub", "^": "sup"}


def both(korean: str, english: str) -> Both:
    """A text from its LaTeX, as far as names and titles use it."""
    return {"ko": from_latex(korean), "en": from_latex(english)}


def same(text: str) -> Both:
    """What is called the same in both languages."""
    return both(text, text)


def from_latex(text: str) -> str:
    """LaTeX's symbols, indices and escapes as HTML; of other commands the name is left."""
    found = html.escape(text, quote=False)
    found = re.sub(r"\$(.*?)\$", lambda match: _mathematics(match[1]), found)
    for command, symbol in _SYMBOLS.items():
        found = found.replace(command, symbol)
    return found.replace("\\", "")


def _mathematics(text: str) -> str:
    upright = re.sub(r"\\mathrm\{(.*?)\}", r"\1", text)
    indexed = _INDEX.sub(_index, upright)
    return indexed.replace("{", "").replace("}", "").replace("-", "\u2212")


def _index(match: re.Match[str]) -> str:
    tag = _TAGS[match[1]]
    return f"<{tag}>{match[2] or match[3]}</{tag}>"
