"""One submission: runs its cells, then forks a copy of the notebook for each test and answers its calls there."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import shell, wire


def warm_up() -> None:
    """Import and use once what every notebook uses, so that no child pays for it."""
    import matplotlib
    import numpy as np
    import torch

    matplotlib.use("module://matplotlib_inline.backend_inline")
    import matplotlib.pyplot as plt

    notebook = shell.make()
    notebook.run("import numpy, torch; 1 + 1", "warm up", 60, 1000)
    notebook.run("1 / 0", "warm up", 60, 1000)
    plt.plot(np.arange(3))
    notebook.run(
        "plt = __import__('matplotlib.pyplot').pyplot; plt.plot([1, 2]); plt.title('$x$')", "warm up", 60, 1000
    )
    torch.nn.Linear(2, 2)(torch.ones(3, 2)).square().mean().backward()
    # The reset looks for garbage: not among all that was imported, which takes half a second.
    gc.freeze()
    notebook.reset(new_session=True)
    np.linalg.solve(np.eye(3), np.ones(3))


def load_whole_torch() -> None:
    """Import what torch leaves for later: its compiler, for optimisers, and its distributed tensors, for torch.testing.

    It takes a second, and the memory makes each fork slower.
    """
    import torch

    layer = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(3, 2)).square().mean().backward()
    optimiser.step()
    torch.testing.assert_close(torch.ones(2), torch.ones(2))


class Objects:
    """The objects that stay here: what the trusted side holds by number, and proxies of what it keeps there."""

    def __init__(self) -> None:
        self.by_number: dict[int, Any] = {}
        self.session: Session | None = None

    def refer(self, value: Any) -> wire.Reference:
        if isinstance(value, Callback):
            return wire.Reference(value.number, "function", owned_by_sender=False)
        number = len(self.by_number)
        self.by_number[number] = value
        return wire.Reference(number, type(value).__name__, owned_by_sender=True)

    def resolve(self, reference: wire.Reference) -> Any:
        if reference.owned_by_sender:
            return Callback(self.session, reference.number)
        return self.by_number[reference.number]


class Callback:
    """A function of the trusted side, which a student's function got as an argument and may call."""

    def __init__(self, session: Session | None, number: int) -> None:
        self.session, self.number = session, number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.session is None:
            raise RuntimeError("This function can be called during the test that handed it over only.")
        return self.session.call_back(self.number, args, kwargs)


class Session:
    """One test's copy of the notebook, answering calls until the trusted side closes the connection."""

    def __init__(self, sock: socket.socket, names: dict[str, Any]) -> None:
        self.objects, self.names = Objects(), names
        self.objects.session = self
        self.connection = wire.Connection(sock, self.objects.refer, self.objects.resolve, tensors=True)

    def serve(self) -> list[Any]:
        """Answer calls until a message that is not a call arrives; returns that message."""
        while True:
            message: list[Any] = self.connection.receive()
            if message[0] != "call":
                return message
            _, number, target, args, kwargs = message
            self.reply(number, target, args, kwargs)

    def reply(self, number: int, target: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
        function = self.names.get(target) if isinstance(target, str) else target
        if not callable(function):
            self.connection.send(["missing", number])
            return
        try:
            result = function(*args, **kwargs)
        except BaseException as error:  # whatever a student's function raises is its answer
            self.connection.send(["raised", number, shell.describe(error)])
            return
        try:
            self.connection.send(["result", number, result, list(args)])
        except wire.Unsendable as unsendable:
            self.connection.send(["unsendable", number, str(unsendable)])

    def call_back(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.connection.send(["callback", number, list(args), kwargs])
        kind, value = self.serve()
        if kind == "returned":
            return value
        raise RuntimeError(value)


def run(stream: socket.socket, channel: socket.socket) -> None:
    """Do what the trusted side says on `stream`: run a cell, fork a test's copy (its socket comes by `channel`)."""
    import numpy as np
    import torch

    sys.path.insert(0, "")  # as in Jupyter: a notebook imports what lies beside it
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what a student's unseeded code uses must give the same grade twice
    torch.manual_seed(0)
    notebook = shell.Notebook.instance()
    notebook.capture()
    names = notebook.user_ns  # now: a cell may put something else in its place
    define = shell.definer(names)
    connection = wire.Connection(stream, Objects().refer, Objects().resolve, tensors=False)
    while True:
        try:
            message = connection.receive()
        except wire.Closed:
            os._exit(0)
        if message[0] == "cell":
            connection.send(["outputs", notebook.run(*message[1:])])
        elif message[0] == "define":
            define(*message[1:])
            connection.send(["defined"])
        elif message[0] == "file":
            Path(message[1]).write_bytes(message[2])
            connection.send(["written"])
        elif message[0] == "fork":
            _, (descriptor,), _, _ = socket.recv_fds(channel, 1, 1)
            state = random.getstate()
            pid = os.fork()
            if pid == 0:
                random.setstate(state)  # Python seeds it anew in every child
                stream.close()
                channel.close()
                answer_calls(socket.socket(fileno=descriptor), notebook, names)
            os.close(descriptor)
            connection.send(["forked", pid])
        elif message[0] == "end":
            with contextlib.suppress(PermissionError):  # where it may send no signals, it has been killed already
                os.kill(message[1], signal.SIGKILL)
            os.waitpid(message[1], 0)
            connection.send(["ended"])


def answer_calls(sock: socket.socket, notebook: shell.Notebook, names: dict[str, Any]) -> None:
    """The life of a test's copy of the notebook."""
    notebook.outputs = shell.Outputs(0)
    # Whatever goes wrong here closes the connection; the trusted side sees that and says what it means.
    with contextlib.suppress(BaseException), notebook.builtin_trap:
        Session(sock, names).serve()
    os._exit(0)
