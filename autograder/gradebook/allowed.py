"""What of a graded notebook may reach a browser: feedback opens on Jupyter's own origin, where a script can do all."""

from __future__ import annotations

import contextlib
import re
from html import escape
from typing import Any

import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from pygments.token import STANDARD_TYPES
from traitlets import Bool

from autograder.gradebook.formulas import mathml

# Prose, tables, figures and code; no forms, frames, styles or anything that runs.
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
    *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "ol", "p", "pre"),
    *("s", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
}
# A student's text must not end the page early or hide what follows it, so these lose their content too.
DROPPED = {"script", "style", "title", "textarea", "iframe", "noscript", "template", "svg", "math"}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
HIGHLIGHTING = {"div": {"highlight"}, "span": set(STANDARD_TYPES.values())}
# Only our own outputs have these; a student's text cannot look like them.
OURS = {
    "dl": {"dl-horizontal"},
    "div": {"panel", "panel-default", "panel-heading", "alert", "alert-info", "alert-warning", "tex2jax_ignore"},
    "span": {"label", "label-success", "label-danger", "label-warning", "label-info"},
    "table": {"table", "table-condensed"},
}
# What latex2mathml makes of formulas, without colours, pictures and links.
MATHML = {
    *("math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mphantom", "mroot", "mrow", "mspace"),
    *("msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover"),
}
MATHML_ATTRIBUTES = {
    "math": {"display", "tabindex"},
    "menclose": {"notation"},
    "mfrac": {"linethickness"},
    "mi": {"mathvariant"},
    "mo": {"accent", "fence", "form", "largeop", "maxsize", "minsize", "movablelimits", "separator", "stretchy"},
    "mover": {"accent"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"displaystyle"},
    "mtd": {"columnalign"},
    "munder": {"accentunder"},
}
# No step back and none of many letters: nothing comes to lie over what stands elsewhere.
SIZE = re.compile(r"0|[0-3]?(\.\d+)?em")
MATHML_VALUES = {
    **dict.fromkeys(("linethickness", "maxsize", "minsize", "width"), SIZE),
    "scriptlevel": re.compile("[0-2]"),
    "tabindex": re.compile("0"),
}
SCHEMES = {"http", "https", "mailto"}
SHOWN = ("text/html", "image/png", "text/plain")
# mistune and nbconvert look from each of these to the end of the text for what closes it. Of 10,000 characters, 3,333
# openings took 0.6 s, and 100 take 0.09 s. Other text as long takes up to 0.13 s, and a notebook has 100 times that.
OPENINGS = re.compile(r"\\\\[(\[]|\\begin\{|!\[")
LONGEST_MARKDOWN = 10_000
MOST_OPENINGS = 100
# HTML opens what was not closed anew in every paragraph that follows: of 10,000 characters, 400 such tags made 5 MB in
# 0.4 s, and 50 make 0.1 MB. No statement has more than one.
TAG = re.compile("<[a-zA-Z]")
MOST_TAGS = 50
# nbgrader's templates remove this prefix after us, so what stands behind it is what the browser sees.
FILES_PREFIX = re.compile(r"^(?:\s*/?files/)+")
# A link to a page of Jupyter's own server could open a file that was handed in; `https:x` is such a link as well.
ELSEWHERE = re.compile(r"https?://\w|mailto:|#")
# One that is all there, as our own outputs have them beside a message.
PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/]+=*")
# A picture of the course's, in the folder of its assignment.
BESIDE = re.compile(r"(?!/|.*\.\.)[\w./-]+")
# MathJax's Safe mode lets the same links through; what stands in a formula is shown instead.
LINKS_IN_FORMULAS = re.compile(r"\\(?:href|mmlToken)")
# What Formgrader writes into its page as it is.
NAMES = ("student", "first_name", "last_name", "notebook_path")
# Pygments looks for a docstring after every space of a run of blank lines: ten thousand of them take it seconds.
BLANK = re.compile(r"\s{500}")
# Code is shown in colours up to these numbers of characters, in a cell and in a notebook: ours have 2,500,
# but for one of 26,000 that writes the files of a set, and 45,000.
LONGEST_COLOURED, MOST_COLOURED = 10_000, 100_000


class _Renderer(IPythonRenderer):
    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A pasted picture stays behind in the submission; nbconvert would stop at its absence."""
        if url.startswith("attachment:"):
            return f"<em>[picture: {text or 'pasted'}]</em>"
        return str(super().image(text, url, title))


class _PageRenderer(_Renderer):
    """For a page by itself: formulas become MathML, and no picture lies beside it."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, "attachment:", title)

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


def markdown_to_html(source: str) -> str:
    """A markdown cell as HTML from the allow-list; formulas stay for MathJax (which runs in its Safe mode)."""
    return LINKS_IN_FORMULAS.sub(r"\\text", _clean(_rendered(source, _Renderer), HIGHLIGHTING, SCHEMES))


def markdown_to_page(source: str) -> str:
    """A markdown cell as HTML from the allow-list, where formulas are MathML. What may be wide can be scrolled."""
    return nh3.clean(
        _rendered(source, _PageRenderer),
        tags=TAGS - {"img"} | MATHML,
        clean_content_tags=DROPPED - MATHML,
        attributes={**ATTRIBUTES, **MATHML_ATTRIBUTES, "span": {"tabindex"}},
        set_tag_attribute_values={"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}},
        attribute_filter=_attribute,
        allowed_classes={**HIGHLIGHTING, "span": {*HIGHLIGHTING["span"], "wide"}},
        url_schemes=SCHEMES,
    )


def _rendered(source: str, renderer: type[_Renderer]) -> str:
    # Whatever a student wrote, the page around it must come out: if need be, with the text as they typed it.
    few = len(OPENINGS.findall(source)) <= MOST_OPENINGS and len(TAG.findall(source)) <= MOST_TAGS
    if few and len(source) <= LONGEST_MARKDOWN and not BLANK.search(source):
        with contextlib.suppress(Exception):
            return str(MarkdownWithMath(renderer=renderer(escape=False, exclude_anchor_links=True)).render(source))
    return f"<pre>{escape(source)}</pre>"


class AllowedOutputs(Preprocessor):
    """Keeps of every output what the allow-list has, and drops attachments; a student's name is text."""

    enabled = Bool(True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        self._coloured = 0
        resources.update({name: escape(resources[name]) for name in NAMES if resources.get(name)})
        return super().preprocess(nb, resources)  # type: ignore[no-any-return]

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_allowed, cell.outputs) if output is not None]
            self._coloured += len(cell.source)
            few = len(cell.source) <= LONGEST_COLOURED and self._coloured <= MOST_COLOURED
            if not few or BLANK.search(cell.source):
                cell.metadata["magics_language"] = "text"
        return cell, resources


def _allowed(output: NotebookNode) -> NotebookNode | None:
    """The output with nothing but text, PNG and our own tables; None if nothing of it is left."""
    if output.output_type in ("stream", "error"):
        return output
    output.metadata = NotebookNode()
    output.data = NotebookNode({kind: output.data[kind] for kind in SHOWN if kind in output.data})
    if "text/html" in output.data:
        output.data["text/html"] = _clean(output.data["text/html"], OURS, {*SCHEMES, "data"})
    return output if output.data else None


def _clean(html: str, classes: dict[str, set[str]], schemes: set[str]) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        allowed_classes=classes,
        url_schemes=schemes,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Addresses as the browser will see them: links lead elsewhere, and pictures are the course's own."""
    if name in MATHML_VALUES and (tag in MATHML or tag == "span"):
        return value if MATHML_VALUES[name].fullmatch(value) else None
    if name not in ("href", "src"):
        return value
    address = FILES_PREFIX.sub("", value)
    if name == "href":
        return address if ELSEWHERE.match(address) else None
    return address if BESIDE.fullmatch(address) or PICTURE.fullmatch(address) else None
