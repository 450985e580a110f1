"""Formulas as feedback shows them: MathML that any browser sets, and nothing else, whatever a student typed."""

from __future__ import annotations

from xml.etree import ElementTree

import nbformat
import pytest
from bs4 import BeautifulSoup

from autograder.course import Problem, problems
from autograder.gradebook.allowed import markdown_to_html, markdown_to_page
from autograder.gradebook.formulas import mathml


@pytest.mark.parametrize("problem", problems(), ids=str)
def test_formulas_of_the_course_are_all_set(problem: Problem) -> None:
    cells = nbformat.read(problem.source_notebook, as_version=4).cells
    page = BeautifulSoup("".join(markdown_to_page(c.source) for c in cells if c.cell_type == "markdown"), "html.parser")
    assert len(page("math")) > 20
    assert "\\" not in "".join(math.get_text() for math in page("math"))
    for code in page("code"):
        code.decompose()
    assert "$" not in page.get_text()


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"\mathbf x", "𝐱"),
        (r"\mathbb R \mathcal B \mathfrak C", "ℝℬℭ"),
        (r"\boldsymbol\theta", "𝜽"),
        (r"\mathsf T", "𝖳"),
        (r"a < b", "a<b"),
        (r"a \not= b", "a≠b"),
        (r"\bigl\| a \bigr\|", "‖a‖"),
        (r"\arg\min f", "argminf"),
        (r"a \tag{1.2}", "a(1.2)"),
        (r"\text{for } x", "for\N{NO-BREAK SPACE}x"),
    ],
)
def test_letters_have_their_style_themselves(tex: str, shown: str) -> None:
    math = "".join(ElementTree.fromstring(mathml(tex, "inline")).itertext())
    assert math.replace("\u2003", "") == shown


def test_a_binomial_has_no_line() -> None:
    assert '<mfrac linethickness="0">' in markdown_to_page(r"$\binom{n}{k}$")


@pytest.mark.parametrize(
    "tex", ["x^a^b", "{" * 5000, r"\sqrt" * 999, r"\left( x" * 500, "^" * 2000, r"\begin{align} x"]
)
def test_what_is_no_formula_is_shown_as_it_was_typed(tex: str) -> None:
    html = markdown_to_page(f"before $${tex}$$ after")
    assert html == f"<p>before <code>{tex}</code> after</p>\n"


@pytest.mark.parametrize("opening", ["\\\\[", "\\\\(", "\\begin{a}", "!["])
def test_openings_that_nothing_closes_are_shown_as_they_were_typed(opening: str) -> None:
    """Each of them is a search through all that follows it: a notebook of such cells held a page up for a minute."""
    assert markdown_to_page(opening * 101) == f'<pre tabindex="0">{opening * 101}</pre>'
    assert "<math" in markdown_to_page("\\\\(x\\\\) " * 100)


@pytest.mark.parametrize(
    "markdown",
    [
        "$\\text{<img src=x onerror=alert(1)>}$ <math><mtext><img src=x onerror=alert(1)></mtext></math>",
        '<math href="javascript:alert(1)"><mi xlink:href="javascript:alert(1)" style="color: red">x</mi></math>',
        "<math><annotation-xml encoding='text/html'><style>x</style><script>alert(1)</script></annotation-xml></math>",
        '<math tabindex="9"><mspace width="-0.1em"></mspace><mspace width="99em"></mspace></math> $\\hspace{-99em}x$',
        "![x](https://example.org/x.png) <img src='figures/plot.png'>",
    ],
)
def test_a_formula_is_nothing_but_a_formula(markdown: str) -> None:
    html = markdown_to_page(markdown)
    page = BeautifulSoup(html, "html.parser")
    assert {tag.name for tag in page(True)} <= {"p", "em", "span", "math", "mrow", "mi", "mtext", "mspace"}
    names = {(tag.name, name) for tag in page(True) for name in tag.attrs}
    assert names <= {("math", "display"), ("span", "class"), ("span", "tabindex")}
    assert all(span.attrs == {"class": ["wide"], "tabindex": "0"} for span in page("span"))


def test_tags_that_nothing_closes_are_shown_as_they_were_typed() -> None:
    """HTML would open each of them again in every paragraph that follows: five megabytes of a small cell."""
    source = "<p>" + "".join(f"<b id={number}>" for number in range(400)) + "<p>x" * 1000
    for render in (markdown_to_page, markdown_to_html):
        assert render(source).count("<p>") == 0
        assert len(render(source)) < 5 * len(source)
