"""A real browser, and a Jupyter server with Formgrader in it, for tests that look at pages as a person does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from socket import create_connection
from threading import Thread
from urllib.parse import urlsplit

from conftest import Course
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

# Root needs --no-sandbox, as in a container. The others keep the browser from calling home.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
)
# Milliseconds. A page takes one second, and many times that where other tests keep the cores busy.
PATIENCE = 120_000
# Debian's libjs-mathjax is the version that nbgrader's pages ask a content network for.
MATHJAX = Path("/usr/share/javascript/mathjax")
NETWORK = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Until it is closed, this process has a running event loop."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program is not None, "There is no chromium here. Try: sudo apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def offline(browser: Browser) -> Iterator[BrowserContext]:
    """A new profile that reaches this machine only, and finds MathJax on it.

    It ignores the policy by which a page forbids itself all scripts: what is in a page is harmless without that.
    """
    assert MATHJAX.is_dir(), "There is no MathJax here. Try: sudo apt install libjs-mathjax"
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), _answer)
    yield context
    context.close()


def _answer(route: Route) -> None:
    address, _, query = route.request.url.partition("?")
    name = address.removeprefix(NETWORK)
    if name == address:
        route.abort()
    elif name == "latest.js":
        # The network's own program finds out which version is the latest, and loads that.
        source = f"{NETWORK}MathJax.js?{query}"
        route.fulfill(body=f"document.write('<script src=\"{source}\"></' + 'script>')", content_type="text/javascript")
    else:
        route.fulfill(path=MATHJAX / name)


def typeset(page: Page) -> None:
    """Wait until MathJax has set all formulas; in feedback they are MathML, which the browser sets by itself."""
    if page.url.startswith("file:"):
        return
    page.wait_for_function("window.MathJax?.Hub?.queue && MathJax.isReady")
    page.evaluate("new Promise(done => MathJax.Hub.Queue(done))")


@contextmanager
def jupyter(course: Course, folder: Path | None = None) -> Iterator[str]:
    """Jupyter's server in the course directory, or in `folder`, with JupyterLab and Formgrader; its address.

    What it says to the terminal is in `jupyter.log` there.
    """
    own = {
        f"JUPYTER_{name}_DIR": str(course.root / f"jupyter-{name}".lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = ("--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=")
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter", "server", *options],
        cwd=folder or course.root,
        env={**os.environ, **own, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        log, addresses = course.root / "jupyter.log", Queue[str]()
        reading = Thread(target=_copy, args=(server.stderr, log, addresses))
        reading.start()
        try:
            address = addresses.get()
            assert address, log.read_text()
            _wait_until_it_listens(server, address)
            yield address
        finally:
            server.terminate()
            reading.join()


def _wait_until_it_listens(server: subprocess.Popen[str], address: str) -> None:
    """Jupyter tells its address before it listens there: on busy cores a browser is there first."""
    place = urlsplit(address)
    while server.poll() is None:
        try:
            create_connection((place.hostname, place.port)).close()
        except ConnectionRefusedError:
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.05)  # the pause between two knocks
        else:
            return


def _copy(lines: Iterable[str], log: Path, addresses: Queue[str]) -> None:
    """Copy to the log, and tell the address as soon as it is there; an empty one when there are no more lines."""
    with log.open("w") as file:
        for line in lines:
            print(line, end="", file=file, flush=True)
            if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
                addresses.put(address[0])
    addresses.put("")
