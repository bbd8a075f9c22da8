"""HTML and SVG put together so that no text can become markup by mistake."""

from __future__ import annotations

import re
from html import escape

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_WITHOUT_END = frozenset({"meta", "br", "wbr"})


class Markup(str):
    """Text that is markup already; any other text is escaped when it is put into some."""

    __slots__ = ()


def escaped(text: str) -> str:
    """Text as HTML and XML take it, in content and in quotes, without control characters.

    Examples
    --------
    >>> escaped('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return escape(_NOT_TEXT.sub("\ufffd", text), quote=True)


def element(name: str, *content: str, **attributes: str | float | None) -> Markup:
    """An element with its attributes and content.

    Parameters
    ----------
    name : str
        Of the element.
    *content : str
        What stands in it, one after the other; escaped unless it is `Markup`.
    **attributes : str or number
        A trailing underscore is dropped and others become dashes, so that ``class_`` and
        ``stroke_width`` can be given; None leaves an attribute out.

    Examples
    --------
    >>> element("p", "a < b", element("b", "c"), class_="note")
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            words.append(f'{key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"')
    start = f"<{' '.join(words)}>"
    end = "" if name in _WITHOUT_END else f"{joined(*content)}</{name}>"
    return Markup(f"{start}{end}")


def joined(*content: str) -> Markup:
    """One piece of markup after the other; text among them is escaped."""
    return Markup("".join(c if isinstance(c, Markup) else escaped(c) for c in content))
