"""Texts that run a script where they become markup, and a page that tells which of them did.

In each text RAN stands for a call that tells its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from playwright.sync_api import BrowserContext, Page

# Each runs in today's Chromium where nothing stops it: the tests see that it does.
MARKUP = {
    "script": "<script>RAN</script>",
    "script in capitals": "<ScRiPt x=1>RAN</sCrIpT >",
    "script in svg": "<svg><script>RAN</script></svg>",
    "script after an unclosed comment": "<!-- > --><script>RAN</script>",
    "module": '<script type="module">RAN</script>',
    "script from data": '<script src="data:text/javascript,RAN"></script>',
    "image": "<img src=x onerror=RAN>",
    "image with entities": '<img src=x onerror="&#114;an&lpar;N&rpar;">',
    "image in a quoted attribute": '<a title="<img src=x>" href="#"><img src=x onerror="RAN"></a>',
    "picture": "<picture><source srcset=x><img src=x onerror=RAN></picture>",
    "audio": "<audio src=x onerror=RAN></audio>",
    "video": "<video><source onerror=RAN src=x></video>",
    "svg": "<svg onload=RAN></svg>",
    "svg image": "<svg><image href=x onerror=RAN /></svg>",
    "svg animation": "<svg><animate onbegin=RAN attributeName=x dur=1s></svg>",
    "svg set": "<svg><set onbegin=RAN attributeName=x></svg>",
    "svg link": '<svg><a xlink:href="javascript:RAN"><text y="9">x</text></a></svg>',
    "svg animated link": "<svg><a><animate attributeName=href values=javascript:RAN /><text y=9>x</text></a></svg>",
    "foreign object": "<svg><foreignObject><img src=x onerror=RAN></foreignObject></svg>",
    "math": "<math><mtext><img src=x onerror=RAN></mtext></math>",
    "details": "<details open ontoggle=RAN><summary>x</summary></details>",
    "focus": "<b tabindex=1 onfocus=RAN>x</b>",
    "pointer": "<b onmouseover=RAN>x</b>",
    "click": "<b onclick=RAN>x</b>",
    "style": "<style>@keyframes k {}</style><b style='animation: k 1s' onanimationstart=RAN>x</b>",
    "style sheet": '<link rel="stylesheet" href="data:text/css," onload=RAN>',
    "link": '<a href="javascript:RAN">x</a>',
    "link in capitals": "<a href=JaVaScRiPt:RAN>x</a>",
    "link with a tab": '<a href="java&Tab;script:RAN">x</a>',
    "link with a line break": '<a href="java&NewLine;script&colon;RAN">x</a>',
    "link with a control character": '<a href="&#1;javascript:RAN">x</a>',
    "link after a prefix that is removed": '<a href="files/javascript:RAN">x</a>',
    "link after two": '<a href=" /files/files/javascript:RAN">x</a>',
    "area": '<map name=m><area href="javascript:RAN" shape=default></map><img usemap="#m" src=x>',
    "form": '<form action="javascript:RAN"><button>x</button></form>',
    "button": '<form><button formaction="javascript:RAN">x</button></form>',
    "input": "<form><input type=image src=x onerror=RAN></form>",
    "frame": '<iframe src="javascript:RAN"></iframe>',
    "frame with a document": '<iframe srcdoc="<script>RAN</script>"></iframe>',
    "frame with data": '<iframe src="data:text/html,<script>RAN</script>"></iframe>',
    "frame that loads": "<iframe onload=RAN></iframe>",
    "object": '<object data="data:text/html,<script>RAN</script>"></object>',
    "object that fails": "<object data=x onerror=RAN></object>",
    "embed": '<embed src="data:text/html,<script>RAN</script>">',
    "noscript": '<noscript><p title="</noscript><img src=x onerror=RAN>"></noscript>',
    "title": '<title><p id="</title><img src=x onerror=RAN>"></title>',
    "textarea": '<textarea><p id="</textarea><img src=x onerror=RAN>">',
    "custom element": "<x-y onclick=RAN>x</x-y>",
    "shadow": "<div><template shadowrootmode=open></template><img src=x onerror=RAN></div>",
    # What is markup after a second reading: sanitisers have fallen for these.
    "svg and style": '<svg></p><style><a id="</style><img src=x onerror=RAN>">',
    "table and script": "<table><caption><svg><title></table><script>RAN</script>",
    "named like ours": '<form id="init_mathjax"></form><a id="base_url" name="models" href="javascript:RAN">x</a>',
    "body": "</body></html><body onload=RAN>",
    "shadow of ours": '<template shadowrootmode="open"><script>RAN</script></template>',
}
MARKDOWN = {
    "link": "[x](javascript:RAN)",
    "link by reference": "[x][y]\n\n[y]: javascript:RAN",
    "link with a title": '[x](# "y\\" onclick=\\"RAN")[z](javascript:RAN "t")',
    "automatic link": "<javascript:RAN>",
    "heading": "# x <img src=x onerror=RAN>",
    "table": "| a |\n|---|\n| <img src=x onerror=RAN> |",
    "list": "- a\n- <svg onload=RAN></svg>",
    "quoted": "> <img src=x onerror=RAN>",
    "formula": "$x$ <img src=x onerror=RAN> $y$",
    "formula and end of a script": "$a$</script><script>RAN</script>$b$",
    "comment of a formula": "\\begin{align}<!-- x\\end{align} --> <img src=x onerror=RAN>",
    "mermaid": '```mermaid\ngraph TD; A-->B; click A href "javascript:RAN"; B["<img src=x onerror=RAN>"]\n```',
}
# Nothing here runs in today's Chromium; it must not be in the page either.
INERT = {
    "image with slashes": '<img/src="x"/onerror=RAN>',
    "base": '<base href="javascript:RAN//">',
    "refreshed": '<meta http-equiv="refresh" content="0; url=javascript:RAN">',
    "policy": '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">',
    "image in a title": '![a](b.png "c\\" onerror=\\"RAN")',
    "image in its name": '![a" onerror="RAN](b.png)',
    "image of a script": "![x](javascript:RAN) ![y](data:image/svg+xml,<svg/onload=RAN>) <img src='data:text/html,x'>",
    "language of code": '```x"><img/src=x/onerror=RAN>\ny\n```',
    "code": "`<img src=x onerror=RAN>`",
    "mermaid, of ours": '<div class="mermaid">graph TD; click A call RAN</div>',
    "formula with markup": "$$<img src=x onerror=RAN>$$ and $x<script>RAN</script>$",
    "fake panel": '<div class="panel panel-default"><div class="panel-heading">Result: 26 of 26 points</div></div>',
    "layer over the page": '<div style="position: fixed; inset: 0; z-index: 9">x</div>',
    "math link": '<math href="javascript:RAN"><mi xlink:href="javascript:RAN">x</mi></math>',
    "marquee": "<marquee onstart=RAN>x</marquee>",
    "math and style": "<math><mtext><table><mglyph><style><!--</style><b title='--&gt;&lt;img src=x onerror=RAN&gt;'>",
    "form and math": "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=RAN>",
    "link in angles": "[x](<java&#10;script:RAN>)",
}
# What MathJax would make a link or load something for. BACK leads from the page to a file that was handed in.
FORMULAS = {
    "link": "$\\href{javascript:RAN}{x}$",
    "link with a break": "$\\href{java\nscript:RAN}{x}$",
    "link by a macro": "$\\def\\go#1{\\href{javascript:#1}{x}}\\go{RAN}$",
    "link by another name": "$\\let\\go\\href \\go{javascript:RAN}{x}$",
    "token": '$\\mmlToken{mi}[href="javascript:RAN"]{x}$',
    "environment": "\\begin{align}\\href{javascript:RAN}{x}\\end{align}",
    "entity": "$&#92;href{javascript:RAN}{x}$",
    "link back": "$\\href{http:BACK}{x}$",
    "token back": '$\\mmlToken{mi}[href="http:BACK"]{x}$',
}
LOADS = {
    "required": "$\\require{../../../../evil}$",
    "event": '$\\mmlToken{mi}[onclick="RAN"]{x}$',
    "style": "$\\style{background: url(https://evil.example/RAN)}{x}$ $\\bbox[url(https://evil.example)]{x}$",
    "class": "$\\class{panel}{\\cssId{submission_id}{x}}$",
    "unicode": '$\\unicode[" onload="RAN]{x3c}$',
    "text": "$\\text{<img src=x onerror=RAN>}$",
}
BACK = "..%2f..%2f..%2fsubmitted%2f{student}%2f{assignment}%2fevil.html"
LINKS_BACK = [
    "[x](BACK)",
    '<a href="http:BACK">x</a>',
    '<a href="./BACK">x</a>',
    "[x](\\\\\\BACK)",
    "[x](/formgrader/BACK)",
]


def called(text: str, number: int) -> str:
    """`text` with the call of this number."""
    return text.replace("RAN", f"ran({number})").replace("(N)", f"({number})").replace("&lpar;N&rpar;", f"({number})")


def numbered(texts: Iterable[str], first: int) -> list[str]:
    return [called(text, first + number) for number, text in enumerate(texts)]


def as_nbgrader_shows(markdown: str) -> str:
    """What nbgrader alone would make of a markdown cell."""
    html = MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(markdown)
    return re.sub(r"([\"'])\s*(?:/?files/)+", r"\1", html)


@dataclass
class Watched:
    """A page that tells which numbers its scripts have called."""

    page: Page
    ran: set[int] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    def provoke(self, places: str) -> None:
        """Do what a reader's hand might do in all that matches `places`: point, focus, click."""
        self.page.evaluate(f"places => ({PROVOKE})(document, places)", places)

    def unprotected(self, texts: Iterable[str]) -> None:
        """Show these as markup, each in a frame of the page's own, and do the same there."""
        self.page.evaluate(FRAMES.replace("PROVOKE", PROVOKE), list(texts))

    def wait(self, numbers: set[int]) -> None:
        """Wait until all of these have run."""
        # A minute: it takes some milliseconds, and many times that where other tests keep the cores busy.
        for _ in range(6000):
            if numbers <= self.ran:
                return
            self.page.wait_for_timeout(10)


# What would leave the page is held back, unless it is a script.
PROVOKE = """async (page, places) => {
    const stay = event => {
        const link = event.target.closest('a[href], area[href]');
        const addresses = link ? [link.protocol ?? 'javascript:'] : [event.submitter?.formAction, event.target.action];
        if ((link || event.type === 'submit') && !/javascript:/.test(addresses)) event.preventDefault();
    };
    for (const kind of ['click', 'submit']) page.addEventListener(kind, stay, true);
    for (const tag of page.querySelectorAll(places)) {
        for (const kind of ['mouseover', 'focus']) tag.dispatchEvent(new MouseEvent(kind, {bubbles: kind !== 'focus'}));
        tag.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
        // One script of a link would take the place of the next.
        if (tag.closest('a, area, form')) await new Promise(done => setTimeout(done));
    }
    for (const kind of ['click', 'submit']) page.removeEventListener(kind, stay, true);
}"""
FRAMES = """async texts => {
    const provoke = PROVOKE;
    await Promise.all(texts.map(async text => {
        const frame = document.createElement('iframe');
        frame.srcdoc = text;
        const loaded = new Promise(done => frame.onload = done);
        document.body.append(frame);
        await loaded;
        await provoke(frame.contentDocument, 'body *');
    }));
}"""


@contextmanager
def watched(context: BrowserContext) -> Iterator[Watched]:
    page = context.new_page()
    found = Watched(page)
    page.expose_binding("ran", lambda source, number: found.ran.add(number))
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("dialog", lambda dialog: dialog.dismiss())
    yield found
    page.close()
