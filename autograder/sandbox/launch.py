"""The command that starts the fork server, with exactly those files in view that a notebook needs."""

from __future__ import annotations

import sys
from pathlib import Path

INSIDE = Path(__file__).resolve().parent / "inside"
PACKAGE = Path(__file__).resolve().parent.parent
# Not in /home or /tmp, where somebody may have this very checkout.
HOME = "/notebook"

# The same for every submission, whatever the environment of who grades: one thread, so that the server can fork, and
# hash seeds and locale fixed, so that a grade is reproducible.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin",
}


def server_command(control: int, code: str) -> list[str]:
    """Python without the user's site directory and the current directory; `code` holds the package `inside`."""
    start = f"import sys; sys.path.insert(0, {code!r}); from inside import server; server.main()"
    return [sys.executable, "-s", "-P", "-B", "-c", start, str(control)]


def environment(home: str) -> dict[str, str]:
    return ENVIRONMENT | {
        "HOME": home,
        "TMPDIR": home,
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "IPYTHONDIR": f"{home}/.ipython",
    }


def bubblewrap_command(control: int) -> list[str]:
    """`server_command` inside bubblewrap: own namespaces, no network, a read-only view of Python and its libraries."""
    command = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--die-with-parent", "--new-session", "--hostname", "notebook", "--clearenv"]
    # The server makes namespaces for its children (SYS_ADMIN), maps its own user into them (SETFCAP) and measures
    # their memory (SYS_PTRACE); all three are powers over its own user namespace only.
    command += ["--uid", "0", "--gid", "0", "--cap-drop", "ALL"]
    for capability in ("CAP_SYS_ADMIN", "CAP_SETFCAP", "CAP_SYS_PTRACE"):
        command += ["--cap-add", capability]
    for name, value in environment(HOME).items():
        command += ["--setenv", name, value]
    command += _view()
    # A shared mapping of /dev/zero is memory that no process is charged for.
    command += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "/dev/null", "/dev/zero", "--remount-ro", "/dev"]
    command += ["--tmpfs", HOME]
    command += ["--dir", "/tmp", "--remount-ro", "/"]
    return [*command, "--chdir", HOME, "--", *server_command(control, "/sandbox")]


def readable() -> list[str]:
    """What a notebook may read where no mount hides the rest: the same as in `_view`, without what that masks."""
    libraries = [*_shown(), *map(Path, ("/lib", "/lib64")), *_python(sys.prefix)]
    return [str(path) for path in dict.fromkeys(libraries) for path in _without_ours(path)]


def _without_ours(path: Path) -> list[Path]:
    """`path`, or in its place what it holds besides our graders and references, if they are installed in it."""
    ours = (PACKAGE, PACKAGE.parent / "solutions")
    if path in ours:
        return []
    if not any(hidden.is_relative_to(path) for hidden in ours):
        return [path]
    return [inner for entry in path.iterdir() for inner in _without_ours(entry)]


def _shown() -> list[Path]:
    """Python, its libraries, and what of the system they need."""
    libraries = [Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/share/fonts"), Path("/usr/share/zoneinfo")]
    files = [Path("/etc/ld.so.cache"), Path("/etc/fonts"), Path("/etc/localtime")]
    return [path for path in dict.fromkeys([*libraries, *_python(sys.base_prefix), *files]) if path.exists()]


def _python(prefix: str) -> list[Path]:
    """What Python needs of `prefix`: somebody may have a virtual environment in the course directory itself."""
    paths = [Path(prefix) / name for name in ("bin", "lib", "lib64", "pyvenv.cfg")]
    return [path for path in paths if path.exists()]


def _view() -> list[str]:
    """Read-only mounts, outermost first. The graders and references are masked wherever they are installed."""
    shown = _shown()
    view = [word for path in shown for word in ("--ro-bind", str(path), str(path))]
    for name in ("lib", "lib64"):
        if Path(f"/{name}").is_symlink():
            view += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path(f"/{name}").is_dir():
            view += ["--ro-bind", f"/{name}", f"/{name}"]
    course = PACKAGE.parent
    hidden = [course] if any(course.is_relative_to(path) for path in shown) else []
    view += [word for path in hidden for word in ("--tmpfs", str(path))]
    if sys.prefix != sys.base_prefix:
        view += [word for path in _python(sys.prefix) for word in ("--ro-bind", str(path), str(path))]
    if PACKAGE.is_relative_to(sys.prefix):
        view += ["--tmpfs", str(PACKAGE), "--tmpfs", str(course / "solutions")]
    return [*view, "--ro-bind", str(INSIDE), "/sandbox/inside"]
