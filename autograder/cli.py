"""`mlphys`: the commands of an author, an instructor and a curious student.

Exit codes: 0 done; 1 done, and what was checked is not as it should be; 2 the command was given something that it
cannot use; 3 this machine does not give the isolation that is asked for; 4 the grader itself failed; 130 stopped by
Ctrl-C.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import track

from autograder.course import Problem, UnknownProblem, find, problems
from autograder.grading.outputs import plain
from autograder.grading.secret import NoSecret
from autograder.sandbox import Isolation, NotIsolated, Sandbox, SandboxFault, mechanisms
from autograder.sandbox.isolation import require

NOT_AS_IT_SHOULD_BE, UNUSABLE, NOT_ISOLATED, OUR_FAULT = 1, 2, 3, 4

app = typer.Typer(
    help="Problem sets of Machine Learning for Physicists, and the grader under them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Level(enum.StrEnum):
    """The least isolation that a user will have; a run takes the best that the machine gives."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


IsolationOption = Annotated[
    Level, typer.Option(help="The least that will do. `none` is for code that you wrote yourself: it has your rights.")
]


@app.command()
def build(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a notebook is out of date.")] = False,
) -> None:
    """Make the notebooks in source/ and release/ from the statements, references and points."""
    from autograder.build import BuildError
    from autograder.build import build as build_notebooks

    try:
        sentences = build_notebooks(check=check)
    except BuildError as error:
        stop("\n".join(error.sentences), UNUSABLE)
    for sentence in sentences:
        say(sentence)
    if check and sentences:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)
    if not sentences:
        say("Every notebook is up to date.")


@app.command()
def score(
    notebook: Annotated[Path, typer.Argument(help="A notebook file (.ipynb).")],
    problem: Annotated[str | None, typer.Option(help="Its problem, such as ps01_linear_algebra/backprop.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result record as JSON.")] = False,
    isolation: IsolationOption = Level.LANDLOCK,
) -> None:
    """Grade one notebook file against its problem, without a gradebook."""
    from autograder.grading.run import grade
    from autograder.grading.submission import Unreadable, read, unread
    from autograder.report.terminal import show

    if not notebook.exists():
        stop(f"There is no file {notebook}. Give the path of a notebook.", UNUSABLE)
    if notebook.is_dir():
        stop(f"{notebook} is a directory. Give the path of a notebook.", UNUSABLE)
    chosen = problem_of(notebook, problem)
    try:
        submission = read(notebook, chosen)
    except Unreadable as reason:
        submission = unread(chosen, reason)
    with sandbox(isolation) as running:
        graded = grade(chosen, submission, running)
    if json:
        typer.echo(graded.record.to_json(), nl=False)
    else:
        show(graded.record, out)
    if graded.faults:
        stop("The grader itself failed:\n" + "\n".join(graded.faults), OUR_FAULT)


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="An assignment, such as ps01_linear_algebra.")],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that grade; one for each core if left out.")
    ] = None,
    student: Annotated[list[str] | None, typer.Option(help="Grade this student only; may be given again.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is graded and has not changed.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but what needs a person.")] = False,
    scheduler: Annotated[str | None, typer.Option(help="Grade on the workers of this dask scheduler.")] = None,
) -> None:
    """Grade what a class handed in, on all cores, and write it into nbgrader's gradebook.

    What is graded already, and would come out the same, is not graded again; so a run that was stopped goes on.
    """
    from autograder.batch.command import run

    raise typer.Exit(run(assignment, student or [], force, jobs, scheduler, quiet, out, err))


@app.command()
def audit(
    problem: Annotated[str | None, typer.Argument(help="A problem; all of them if it is left out.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Grade the right answers with this many seeds.")] = 1,
    isolation: IsolationOption = Level.LANDLOCK,
) -> None:
    """Grade the graders: mistakes and stubs must fail, right answers in unusual forms must pass."""
    from autograder.audit import audit as rows_of
    from autograder.audit import auditors
    from autograder.audit.standing import note
    from autograder.audit.table import matrix, verdict
    from autograder.build import BuildError
    from autograder.build import build as build_notebooks
    from autograder.grading.marks import parts_of

    chosen = [resolve(problem)] if problem else problems()
    try:
        drift = build_notebooks(check=True)
    except BuildError as error:
        stop("\n".join(error.sentences), UNUSABLE)
    if drift:
        stop("\n".join(drift), UNUSABLE)
    fine, level = True, isolation_of(isolation)
    with auditors() as pool:
        for one in chosen:
            rows = list(track(rows_of(one, level, pool, seeds), str(one), console=err))
            out.print(matrix(rows, parts_of(one.test_module)))
            say(verdict(rows))
            if any(row.faults for row in rows):
                fine = False
            else:
                note(one)
    if not fine:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def doctor() -> None:
    """Say how this machine confines a student's code, and how to get more."""
    from autograder.report.doctor import report

    if report(mechanisms(), out) is Isolation.NONE:
        raise typer.Exit(NOT_ISOLATED)
    try:
        with Sandbox() as running, running.worker():
            say("A notebook's process was started and ended: this works.")
    except SandboxFault as error:
        stop(str(error), OUR_FAULT)


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="A directory for the demo's course; replaced if it is one.")] = Path(
        "demo"
    ),
) -> None:
    """Grade a simulated class as an instructor would, and show what came out."""
    from autograder.demo import DemoError, NotADemo, run

    try:
        run(directory, out)
    except NotADemo as error:
        stop(str(error), UNUSABLE)
    except DemoError as error:
        stop(str(error), OUR_FAULT)


@app.command()
def gradescope(
    assignment: Annotated[str, typer.Argument(help="A problem set, such as ps01_linear_algebra.")],
    to: Annotated[Path | None, typer.Option(help="The file to write, if not gradescope-<set>.zip.")] = None,
) -> None:
    """Pack a problem set as an autograder for Gradescope. The zip has the answers in it."""
    from autograder.gradescope.archive import CannotPack, pack

    try:
        say(pack(assignment, to or Path(f"gradescope-{assignment}.zip")))
    except CannotPack as error:
        stop(str(error), UNUSABLE)


@app.command()
def new(
    slug: Annotated[str, typer.Argument(metavar="SET/PROBLEM", help="Such as ps05_linear_regression/ridge.")],
) -> None:
    """Begin a problem: a small one, complete, that builds, audits and grades, to be rewritten file by file."""
    from autograder.course import ROOT
    from autograder.scaffold import CannotScaffold, scaffold

    try:
        written = scaffold(ROOT, slug)
    except CannotScaffold as error:
        stop(str(error), UNUSABLE)
    for path in written:
        say(f"Wrote {path.relative_to(ROOT)}.")
    say(f"Next: `mlphys build`, and `mlphys audit {slug}`. Then rewrite the files; CONTRIBUTING.md says how.")


@app.command()
def report(
    assignment: Annotated[str, typer.Argument(help="An assignment, such as ps01_linear_algebra.")],
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Pseudonyms in the place of ids and names.")] = False,
) -> None:
    """Say what a class did in an assignment, and where it needs help: a page and a table, in reports/."""
    from autograder.report.classroom import NothingToReport, course_directory, write

    try:
        written = write(course_directory(), assignment, anonymous)
    except NothingToReport as error:
        stop(str(error), UNUSABLE)
    except OSError as error:
        stop(f"The report cannot be written: {error.filename}: {error.strerror}.", UNUSABLE)
    for note in written.notes:
        say(f"Note: {note}")
    say(f"Class report: {written.page}\nThe same as a table: {written.table}")


def resolve(slug: str) -> Problem:
    try:
        return find(slug)
    except UnknownProblem as error:
        stop(str(error), UNUSABLE)


def problem_of(notebook: Path, slug: str | None) -> Problem:
    """The problem that was asked for, or else the one that the file is named after."""
    if slug is not None:
        return resolve(slug)
    named = [problem for problem in problems() if problem.name == notebook.stem]
    if len(named) == 1:
        return named[0]
    known = ", ".join(map(str, problems()))
    return stop(f"Which problem is {notebook.name}? Say so with --problem; there are {known}.", UNUSABLE)


def isolation_of(level: Level) -> Isolation:
    """The level of isolation to run at, or an end with the sentence that says what this machine lacks."""
    try:
        chosen = require(Isolation[level.name])
    except NotIsolated as error:
        stop(str(error), NOT_ISOLATED)
    err.print(f"Isolation: {chosen.label}.", style="dim")
    return chosen


@contextmanager
def sandbox(level: Level) -> Iterator[Sandbox]:
    """A running sandbox at that level; if it fails, in the middle as well, that ends the command."""
    chosen = isolation_of(level)
    try:
        with Sandbox(chosen) as running:
            yield running
    except SandboxFault as error:
        stop(str(error), OUR_FAULT)


def say(sentence: str) -> None:
    out.print(plain(sentence), markup=False, soft_wrap=True)


def stop(sentence: str, code: int) -> NoReturn:
    err.print(plain(sentence), markup=False, soft_wrap=True)
    raise typer.Exit(code)


def main() -> None:
    """The entry point of the console script."""
    run: Callable[[], None] = app
    try:
        run()
    except NoSecret as error:
        err.print(plain(str(error)), markup=False, soft_wrap=True)
        raise SystemExit(UNUSABLE) from None
