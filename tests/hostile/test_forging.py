"""Forging a result: what a student's process says about itself, its data, its libraries or its wire earns nothing."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Start
from forging_helpers import (
    FULL,
    IMPORTS,
    LEVELS,
    LIMITS,
    RIGHT,
    WRONG,
    assert_earned,
    hand_in,
    outcomes,
    plain,
    shown,
    springs,
    unconfined,
    with_helper,
)

from autograder.course import Problem
from autograder.sandbox import Sandbox


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, LIMITS)


def test_an_honest_notebook_has_full_marks(problem: Problem, sandbox: Sandbox) -> None:
    assert_earned(hand_in(problem, sandbox, answers=RIGHT), FULL)


def test_a_wrong_notebook_has_none(problem: Problem, sandbox: Sandbox) -> None:
    assert_earned(hand_in(problem, sandbox), 0)


# In the student's own process, where other graders have their tests, each of these attacks earns full marks.

GIVEN = "import os, sys, types\nimport numpy as np\nx, right = np.arange(1.0, 4.0), 14.0\n"
SMALL = "abs(energy(x, 2.0) - right) < 1e-9"
JUDGES = {
    "numpy.testing": "np.testing.assert_allclose(energy(x, 2.0), right)",
    "np.allclose": "sys.exit(not np.allclose(energy(x, 2.0), right))",
    "torch.testing": "import torch\ntorch.testing.assert_close(torch.tensor(energy(x, 2.0)), torch.tensor(right))",
    "equality": "sys.exit(not energy(x, 2.0) == right)",
    "difference": f"sys.exit(not {SMALL})",
    "assertion": f"def check(ok):\n    if not ok: raise AssertionError\ncheck({SMALL})",
    "number": "got = energy(x, 2.0)\nsys.exit(not (isinstance(got, float) and got == right))",
    "shape": "got = energy(x, 2.0)\nsys.exit(not (got.shape == (5,) and got.dtype == float))",
    "array": "sys.exit(not np.allclose(np.asarray(energy(x, 2.0), dtype=float), right))",
    "pickle": "import pickle\nsys.exit(not pickle.loads(pickle.dumps(energy(x, 2.0))) == right)",
    "tensor": "import torch\nsys.exit(not torch.allclose(energy(x, 2.0), torch.tensor(right)))",
    "random": "x = np.random.default_rng(1).normal(size=3)\nsys.exit(not energy(x, 2.0) == x @ x)",
    "reference": "sys.modules.setdefault('answers', types.SimpleNamespace(energy=lambda x, k: right))\n"
    "import answers\nsys.exit(not energy(x, 2.0) == answers.energy(x, 2.0))",
    "names": "sys.exit(not globals().setdefault('agree', lambda a, b: a == b)(energy(x, 2.0), right))",
    "scores": "scores = {'outcome': 'failed', 'points': 0, 'max_points': 2, 'cases': []}\nenergy(x, 2.0)\n"
    "sys.exit(scores['outcome'] != 'passed' or scores['points'] != 2)",
    "json": f"import json\nsys.exit(json.loads(json.dumps({{'points': 2.0 * ({SMALL})}})) != {{'points': 2.0}})",
    "socket": "import socket\nours, theirs = socket.socketpair()\n"
    f"theirs.sendall(b'passed' if {SMALL} else b'failed')\nsys.exit(ours.recv(6) != b'passed')",
    "pytest": "open('test_energy.py', 'w').write('def test_energy(): assert False')\n"
    "import pytest\nsys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_energy.py']))",
    "exit": f"energy(x, 2.0)\nsys.exit(not {SMALL})",
}


@dataclass(frozen=True)
class Forgery:
    judge: str
    attack: str


SEEN = """
import sys
def seen():
    frame = sys._getframe()
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name in ("right", "expected", "reference"):
                if isinstance(names.get(name), float): return names[name]
        frame = frame.f_back
    return 0.0
"""
FORGERIES = {
    "patched numpy.testing": Forgery(
        "numpy.testing", "for name in np.testing.__all__: setattr(np.testing, name, lambda *a, **k: None)"
    ),
    "patched np.allclose": Forgery(
        "np.allclose",
        "for name in ('allclose', 'isclose', 'array_equal', 'abs', 'max'): setattr(np, name, np.ones)\n"
        "np.allclose = np.isclose = np.array_equal = lambda *a, **k: True",
    ),
    "patched torch.testing": Forgery(
        "torch.testing", "import torch\ntorch.testing.assert_close = torch.allclose = lambda *a, **k: True"
    ),
    "patched builtins": Forgery(
        "difference",
        "import builtins\nbuiltins.abs = builtins.max = builtins.sum = lambda *a, **k: 0.0\n"
        "builtins.all = builtins.any = builtins.isinstance = lambda *a: True",
    ),
    "an AssertionError that ends the process well": Forgery(
        "assertion",
        "import builtins, os\nclass AssertionError(Exception):\n"
        "    def __init__(self, *a): os._exit(0)\nbuiltins.AssertionError = AssertionError",
    ),
    "an exit with code 0": Forgery("exit", "import sys\ndef energy(x, k): sys.exit(0)"),
    "the end of the process with code 0": Forgery("exit", "import os\ndef energy(x, k): os._exit(0)"),
    "a reference of one's own in sys.modules": Forgery(
        "reference",
        "import sys, types\nfor name in ('answers', 'solutions', 'solutions.ps00', "
        "'solutions.ps00.springs'): sys.modules[name] = types.SimpleNamespace(energy=energy)",
    ),
    "names that a test uses": Forgery(
        "names",
        "agree = check = same_values = lambda *a, **k: True\n"
        "class student: pass\nstudent.energy = energy\nreference, rng, points = student, None, lambda n: lambda f: f",
    ),
    "patched json and msgpack": Forgery(
        "json",
        "import json, msgpack\njson.dumps = json.JSONEncoder.encode = lambda *a, **k: '{\"points\": 2.0}'\n"
        "old = msgpack.packb\nmsgpack.packb = lambda *a, **k: old(['passed', 1, 2.0])",
    ),
    "a patched socket": Forgery(
        "socket", "import socket\nsocket.socket.sendall = lambda self, data: self.send(b'passed')"
    ),
    "a patched generator of random numbers": Forgery(
        "random",
        "class Zeros:\n    def __init__(self, seed): pass\n"
        "    def normal(self, size): return np.zeros(size)\nnp.random.default_rng = np.random.Generator = Zeros",
    ),
    "a conftest.py and pytest's options": Forgery(
        "pytest",
        "import os\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\nopen('conftest.py', 'w').write('''\n"
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True\n''')",
    ),
    "the caller's frame": Forgery(
        "equality",
        "import sys\ndef energy(x, k):\n    frame = sys._getframe(1)\n    while frame:\n"
        "        for names in (frame.f_globals, frame.f_locals):\n"
        "            for name in ('right', 'expected', 'score', 'outcome'):\n"
        "                if name in names: names[name] = 0.0\n        frame = frame.f_back\n    return 0.0",
    ),
    "a walk through all objects": Forgery(
        "scores",
        "import gc\ndef energy(x, k):\n    for found in gc.get_objects():\n"
        "        if type(found) is dict and 'max_points' in found:\n"
        "            found.update(outcome='passed', points=found['max_points'])\n"
        "        if type(found).__name__ in ('Case', 'TestResult', 'Grading'): found.outcome = 'passed'\n"
        "    return 0.0",
    ),
    "an object equal to everything": Forgery(
        "equality",
        "class Equal:\n    def __eq__(self, other): return True\n    __hash__ = None\ndef energy(x, k): return Equal()",
    ),
    "a float equal to everything": Forgery(
        "number",
        "class Equal(float):\n    def __eq__(self, other): return True\n    __hash__ = float.__hash__\n"
        "    def __sub__(self, other): return 0.0\n    __rsub__ = __sub__\ndef energy(x, k): return Equal(0)",
    ),
    "a lazy number": Forgery(
        "difference",
        f"{SEEN}class Lazy(float):\n    def __sub__(self, other): return 0.0 * other\n"
        "    def __float__(self): return seen()\ndef energy(x, k): return Lazy()",
    ),
    "an array that answers for numpy": Forgery(
        "np.allclose",
        "class Liar(np.ndarray):\n    def __array_function__(self, *a): return True\n"
        "    def __array_ufunc__(self, *a, **k): return True\ndef energy(x, k): return np.zeros(()).view(Liar)",
    ),
    "an array with a shape and dtype of its own": Forgery(
        "shape",
        "class Liar(np.ndarray):\n    shape, dtype, size, ndim = (5,), np.dtype(float), 5, 1\n"
        "    def __len__(self): return 5\n    def tobytes(self): return bytes(40)\n"
        "def energy(x, k): return np.zeros((2, 2), dtype=int).view(Liar)\ndef force(x, k): return energy(x, k)",
    ),
    "an array whose values change": Forgery(
        "array",
        f"{SEEN}class Liar:\n    def __array__(self, dtype=None, copy=None): return np.array(seen())\n"
        "def energy(x, k): return Liar()",
    ),
    "a lie about the class": Forgery(
        "number",
        "class Liar:\n    __class__ = float\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        "def energy(x, k): return Liar()",
    ),
    "a lie about the class, as an array": Forgery(
        "array",
        f"{SEEN}class Liar:\n    __class__ = np.ndarray\n"
        "    def __array__(self, dtype=None, copy=None): return np.array(seen())\ndef energy(x, k): return Liar()",
    ),
    "an array somewhere in memory": Forgery(
        "array",
        f"{SEEN}class Liar:\n    @property\n    def __array_interface__(self):\n"
        "        self.kept = np.array(seen())\n        return self.kept.__array_interface__\n"
        "def energy(x, k): return Liar()",
    ),
    "a tensor that answers for torch": Forgery(
        "tensor",
        "import torch\nclass Liar(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
        "        if function in (torch.allclose, torch.equal): return True\n"
        "        return super().__torch_function__(function, types, args, kwargs or {})\n"
        "def energy(x, k): return torch.zeros(()).as_subclass(Liar)",
    ),
    "a pickle that runs code": Forgery(
        "pickle",
        "class Liar:\n    def __reduce__(self): return eval, ('__import__(\"os\")._exit(0)',)\n"
        "def energy(x, k): return Liar()",
    ),
}


@pytest.fixture(scope="module")
def in_one_process(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Whom each attack fools, and each judge without an attack, where the tests run in the student's process."""
    wrong = "\n".join([IMPORTS, *WRONG.values()])
    programs = {name: f"{GIVEN}{wrong}\n{one.attack}\n{JUDGES[one.judge]}" for name, one in FORGERIES.items()}
    programs |= {f"no attack on {name}": f"{GIVEN}{wrong}\n{judge}" for name, judge in JUDGES.items()}
    return plain(programs, tmp_path_factory.mktemp("plain"))


def test_every_judge_in_the_student_s_process_notices_a_wrong_answer(in_one_process: dict[str, bool]) -> None:
    assert not [name for name in JUDGES if in_one_process[f"no attack on {name}"]]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_judge_in_the_student_s_process_is_fooled(in_one_process: dict[str, bool], name: str) -> None:
    assert in_one_process[name]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_earns_nothing(problem: Problem, sandbox: Sandbox, name: str) -> None:
    assert_earned(hand_in(problem, sandbox, FORGERIES[name].attack), 0)


# What IPython lets a cell do with the cells after it

CHECK = "assert abs(energy(np.ones(3), 2.0) - 3.0) < 1e-9"
NOTEBOOKS = {
    "an input transformer": "get_ipython().input_transformers_cleanup.append("
    "lambda lines: [line.replace('assert', 'None and') for line in lines])",
    "an AST transformer": "import ast\nclass Kind(ast.NodeTransformer):\n"
    "    def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)\n"
    "get_ipython().ast_transformers.append(Kind())",
    "an exception handler": "get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)",
    "a replaced traceback": "type(get_ipython())._showtraceback = lambda *a, **k: None\n"
    "get_ipython().showtraceback = lambda *a, **k: None",
    "a replaced run_cell": "get_ipython().run_cell = lambda *a, **k: None",
    "a replaced compiler": "get_ipython().compile.ast_parse = lambda *a, **k: __import__('ast').parse('')",
}


def test_ipython_lets_a_cell_silence_the_checks_after_it(tmp_path: Path) -> None:
    before = [IMPORTS, *WRONG.values()]
    cells = {name: [*before, attack, CHECK] for name, attack in NOTEBOOKS.items()}
    found = unconfined({**cells, "no attack": [*before, CHECK]}, tmp_path)
    assert [name for name, text in found.items() if "AssertionError" in text] == ["no attack"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_silenced_check_earns_nothing(problem: Problem, sandbox: Sandbox, name: str) -> None:
    assert_earned(hand_in(problem, sandbox, NOTEBOOKS[name]), 0)


CLAIM = '{"score": 6.0, "max_score": 6.0, "outcome": "passed"}'
CLAIMS = {
    "printed": f"print('{CLAIM}')",
    "printed to stderr": f"import sys\nprint('{CLAIM}', file=sys.stderr)",
    "displayed": f"from IPython.display import display\ndisplay({CLAIM})",
    "the value of the cell": CLAIM,
    "by a display hook of one's own": "import sys\n"
    f"type(get_ipython().displayhook).__call__ = lambda self, value=None: print('{CLAIM}')\n1",
    "in every cell after it": f"get_ipython().events.register('post_run_cell', lambda result: print('{CLAIM}'))",
    "raised": f"raise Exception('{CLAIM}')",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claimed_score_is_shown_and_not_believed(problem: Problem, sandbox: Sandbox, name: str) -> None:
    graded = hand_in(problem, sandbox, CLAIMS[name])
    assert "max_score" in str(graded.outputs)
    assert_earned(graded, 0)


# The course's own functions in the notebook, through which some tests ask

REFUSES = {
    **RIGHT,
    "energy": "class Pushes(ValueError): pass\n"
    "def energy(x, k):\n    if k < 0: raise Pushes\n    return k * np.sum(np.square(x)) / 2",
}
FORGED = "def total(x, k): return 2.5 * k * np.sum(np.square(x))"
INSIDE = "sys.modules[type(get_ipython()).__module__]"
# An `exec` and a `compile` that know what is put back.
OTHERS = f"""{FORGED}
import builtins, sys
true_exec, true_compile = exec, compile
def other_exec(code, *names):
    true_exec({FORGED!r} if getattr(code, "co_filename", "") == "<total>" else code, *names)
def other_compile(source, file, *more, **also):
    return true_compile({FORGED!r} if file == "<total>" else source, file, *more, **also)
"""
HELPERS = {
    "another function in its place": FORGED,
    "an AST transformer": "import ast\nclass Other(ast.NodeTransformer):\n"
    f"    def visit_FunctionDef(self, node): return ast.parse({FORGED!r}).body[0] if node.name == 'total' else node\n"
    "get_ipython().ast_transformers.append(Other())",
    "an input transformer": "get_ipython().input_transformers_cleanup.append("
    f"lambda lines: [{FORGED!r}] if any('def total' in line for line in lines) else lines)",
    "a replaced run_cell": f"{FORGED}\nget_ipython().run_cell = lambda *a, **k: None",
    "a replaced compiler": f"{FORGED}\nget_ipython().compile.ast_parse = lambda *a, **k: __import__('ast').parse('')",
    "a replaced definition": f"{OTHERS}{INSIDE}.definer = lambda names: lambda *a: None",
    "a replaced exec": f"{OTHERS}builtins.exec = other_exec",
    "a replaced exec in one module": f"{OTHERS}{INSIDE}.exec = other_exec",
    "a replaced compile": f"{OTHERS}builtins.compile = other_compile",
    "a replaced len": f"{FORGED}\nimport builtins, sys\ntrue_len = len\ndef other_len(value):\n"
    "    names = sys._getframe(1).f_locals\n"
    f"    if 'definitions' in names: names['definitions'].update(total={FORGED!r})\n"
    "    return true_len(value)\nbuiltins.len = other_len",
    "a replaced namespace": f"{FORGED}\nforged = total\nclass Names(dict):\n"
    "    def pop(self, *a): return None\n"
    "    def get(self, name, *a): return forged if name == 'total' else dict.get(self, name, *a)\n"
    "get_ipython().user_ns = Names(globals())",
    "a class before it that cannot be put back": f"{FORGED}\ndict = None",
    "other names for what it needs": f"{FORGED}\nglobals = lambda: {{'energy': None, 'total': total}}\ntype = str",
    "errors for everything": "def energy(x, k): raise ValueError",
    "the name of an error": "ValueError = SystemExit = float",
}


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return with_helper(tmp_path_factory.mktemp("helped"))


@pytest.mark.parametrize("name", HELPERS)
def test_a_forged_helper_earns_nothing(helped: Problem, sandbox: Sandbox, name: str) -> None:
    assert_earned(hand_in(helped, sandbox, HELPERS[name]), 0)


def test_a_right_answer_does_not_suffer_from_forged_helpers(helped: Problem, sandbox: Sandbox) -> None:
    """So what is forged above would have been believed: the numbers are right."""
    assert_earned(hand_in(helped, sandbox, answers=REFUSES), FULL)
    assert_earned(hand_in(helped, sandbox, HELPERS["an AST transformer"], answers=REFUSES), FULL)


def test_a_helper_that_cannot_be_put_back_is_none(helped: Problem, sandbox: Sandbox) -> None:
    """What stood in its place is gone too; here a hook of Python's forbids the definition."""
    attack = f"{FORGED}\nimport sys\ndef hook(event, given):\n"
    attack += "    if event == 'compile' and given[1] == '<total>': raise RuntimeError\nsys.addaudithook(hook)"
    graded = hand_in(helped, sandbox, attack, answers=REFUSES)
    assert_earned(graded, FULL - 4)
    assert "no function `total`" in graded.record.part("energy").tests[0].message


# On the wire, which a student's code finds in the frames below its own

WIRE = """
import os, socket, struct, sys, time
import msgpack

def below(name):
    frame = sys._getframe()
    while not (frame.f_code.co_name == "reply" and name in frame.f_locals): frame = frame.f_back
    return frame.f_locals[name]

def framed(message):
    payload = msgpack.packb(message)
    return struct.pack(">Q", len(payload)) + payload

def raw(data):
    link = below("self").connection._socket
    link.settimeout(None)
    link.sendall(data)

def send(*message): raw(framed(list(message)))
def numbers(x): return ["a", "float64", [len(x)], np.asarray(x, dtype=float).tobytes()]
def result(value, x, k, later=0): send("result", below("number") + later, value, ["l", numbers(x), ["s", "float64", [],
    np.float64(k).tobytes()]])
def go_on(): below("self").serve()
def hang():
    while True: time.sleep(1)
"""
BY_HAND = f"{WIRE}\ndef energy(x, k):\n    result(float(k * np.sum(np.square(x)) / 2), x, k)\n    go_on()"


def test_a_right_answer_that_is_sent_by_hand_is_right(problem: Problem, sandbox: Sandbox) -> None:
    """So the frames below, which are sent in the same way, do arrive."""
    assert_earned(hand_in(problem, sandbox, BY_HAND, answers=RIGHT), FULL)


UNASKED = "answered a question that was not asked"
FRAMES = {
    "a verdict": ("send('passed', below('number')); hang()", UNASKED),
    "points": ("send('points', below('number'), 2.0); hang()", UNASKED),
    "a verdict as a result": ("result('passed', x, k); go_on()", "the energy is a str"),
    "an outcome as a result": ("result(['d', 'outcome', 'passed', 'points', 2.0], x, k); go_on()", "a dict"),
    "the answer to the next call": ("result(0.0, x, k, later=1); hang()", UNASKED),
    "the answers to all calls": ("[result(0.0, x, k, later=n) for n in range(9)]; go_on()", "off by"),
    "an answer twice": ("result(0.0, x, k); result(0.0, x, k); go_on()", UNASKED),
    "an answer without its arguments": ("send('result', below('number'), 0.0, ['l']); hang()", "other arguments"),
    "an answer with arguments of another kind": (
        "send('result', below('number'), 0.0, ['l', ['d'], ['d']]); hang()",
        "other arguments",
    ),
    "a number that is no number": ("send('result', True, 0.0, ['l', None, None]); go_on()", UNASKED),
    "what a function answers that it was not given": ("send('callback', 0, ['l'], ['d']); hang()", "was not given"),
    "an object that it was not given": ("result(['y', 7, 'function'], x, k); hang()", "was not given"),
    "an object of its own": ("result(['r', 7, 'float'], x, k); go_on()", "an object of type float"),
    "an error in no form": ("send('raised', below('number'), ['d', 'ename', 'Passed']); hang()", "no known form"),
    "a length of exabytes": ("raw(struct.pack('>Q', 2**62)); hang()", "More data arrived"),
    "a frame that is too long": ("raw(struct.pack('>Q', 2**25) + bytes(2**20)); hang()", "More data arrived"),
    "a million lists": ("send('result', 1, ['l', *[['l']] * 10**6], ['l']); hang()", "could not be decoded"),
    "a thousand lists in each other": (
        "raw(struct.pack('>Q', 1007) + b'\\x92' + msgpack.packb('result') + b'\\x91' * 999); hang()",
        "could not be decoded",
    ),
    "bytes that are no frame": ("raw(b'HTTP/1.1 200 OK\\r\\n\\r\\n{\"score\": 6}'); hang()", "More data arrived"),
    "a frame that is no message": ("raw(struct.pack('>Q', 8) + b'passed!!'); hang()", "could not be decoded"),
    "an array with another shape than it has": (
        "result(['a', 'float64', [2**40, 2**40], b'8bytes..'], x, k); hang()",
        "do not fit its shape",
    ),
    "an array of objects": ("result(['a', 'object', [1], bytes(8)], x, k); hang()", "may not have"),
    "half a frame": ("raw(struct.pack('>Q', 100) + b'passed'); hang()", "did not return within 1 seconds"),
    "a frame in drops": (
        "raw(struct.pack('>Q', 10**6))\n    while True: raw(b'.'); time.sleep(0.01)",
        "did not return within 1 seconds",
    ),
    "nothing more": ("below('self').connection._socket.shutdown(socket.SHUT_RDWR); hang()", "process ended"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_forged_frame_costs_its_own_part(problem: Problem, sandbox: Sandbox, name: str) -> None:
    code, words = FRAMES[name]
    graded = hand_in(problem, sandbox, f"{WIRE}\ndef energy(x, k):\n    {code}", answers=RIGHT)
    assert_earned(graded, FULL - 2)
    assert words in graded.record.part("energy").tests[0].message


def test_descriptors_that_come_with_an_answer_are_not_kept(problem: Problem, sandbox: Sandbox) -> None:
    attack = f"""{WIRE}
def energy(x, k):
    link = below('self').connection._socket
    for _ in range(20): socket.send_fds(link, [framed(["callback", 0, ["l"], ["d"]])], [link.fileno()] * 10)
    hang()
"""
    hand_in(problem, sandbox, answers=RIGHT)  # what is opened once and stays open is open from here on
    before = os.listdir("/proc/self/fd")
    assert_earned(hand_in(problem, sandbox, attack, answers=RIGHT), FULL - 2)
    assert os.listdir("/proc/self/fd") == before


def test_arguments_that_were_exchanged_are_the_student_s_error(problem: Problem, sandbox: Sandbox) -> None:
    """A grader that unpacks the state after the call would fail itself, and a person would have to grade the part."""
    attack = (
        "import sys\nright = step\ndef step(state, dt):\n    sys._getframe(1).f_locals['args'][0] = 0.5\n"
        "    return right(state, dt)"
    )
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert_earned(graded, FULL - 1)
    assert "other arguments than it was called with" in graded.record.part("step").tests[0].message


@pytest.mark.parametrize("name", ["Mismatch", "GraderFault", "Skipped", "Exit", "SandboxFault", "KeyboardInterrupt"])
def test_an_exception_named_like_ours_is_the_student_s(problem: Problem, sandbox: Sandbox, name: str) -> None:
    attack = f"class {name}(BaseException): pass\ndef energy(x, k): raise {name}('grader_error')"
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert_earned(graded, FULL - 2)
    assert f"your code raised {name}: grader_error" in graded.record.part("energy").tests[0].message


CALLBACKS = {
    "itself": "f(f)",
    "an object": "f(object())",
    "text": "f('x' * 10**6)",
    "a lie": f"f(x, hidden=0.0), f(x, **{{'return': {FULL}}})",
    "nothing": "f()",
    "its own result": "f(f(x)) and f.number + 1",
    "its session": "f.session.connection.send(['passed'])",
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_what_a_callback_is_given_forges_nothing(problem: Problem, sandbox: Sandbox, name: str) -> None:
    attack = f"def work(f, x): {CALLBACKS[name]}\n"
    assert_earned(hand_in(problem, sandbox, attack, answers=RIGHT), FULL - 1)


# A cell that takes over its process's own conversation

TAKEOVER = """
import os, signal, socket, sys
def below(name):
    frame = sys._getframe()
    while not (frame.f_code.co_name == "run" and name in frame.f_locals): frame = frame.f_back
    return frame.f_locals[name]
link, channel = below("connection"), below("channel")
signal.setitimer(signal.ITIMER_REAL, 0)
said = {"output_type": "stream", "name": "stdout", "text": "taken over"}
link.send(["outputs", [said]])
while True:
    message = link.receive()
    if message[0] == "cell": link.send(["outputs", [said]])
    elif message[0] == "fork":
        os.close(socket.recv_fds(channel, 1, 1)[1][0])
        link.send(["forked", PID])
    else: link.send(["ended"])
"""


@pytest.mark.parametrize("pid", [-1, 0, 1, 2**31, 2**70, -(2**70)], ids=lambda pid: f"{pid:.3g}")
def test_a_cell_that_speaks_for_its_process_earns_nothing(problem: Problem, sandbox: Sandbox, pid: int) -> None:
    graded = hand_in(problem, sandbox, TAKEOVER.replace("PID", str(pid)), answers=RIGHT)
    assert shown(graded).count("taken over") == 1 + len(RIGHT)
    assert_earned(graded, 0)


def test_a_cell_that_names_our_process_as_its_own_ends_nothing(problem: Problem, sandbox: Sandbox) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert_earned(hand_in(problem, sandbox, TAKEOVER.replace("PID", str(other.pid)), answers=RIGHT), 0)
        assert other.poll() is None
        other.kill()


def test_answers_before_the_questions_are_lost_with_all_that_follow(problem: Problem, sandbox: Sandbox) -> None:
    """The first question gets an answer to another one, and nothing is asked after that."""
    attack = (
        TAKEOVER.split("while True:")[0] + "for n in range(9): link.send(['forked', 1]); link.send(['passed', 2.0])"
    )
    assert_earned(hand_in(problem, sandbox, attack), 0)
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert_earned(graded, 0)
    assert set(outcomes(graded.record).values()) == {"error"}


# Numbers that are none, or that make others vanish

NUMBERS = ["np.nan", "np.inf", "-np.inf", "1e308", "-1e308", "5e-324", "10**400", "1j", "True", "'14.0'", "b'14.0'"]
NUMBERS += ["[]", "{}", "np.array([])", "np.float16(65504)", "np.array(['nan'])", "np.ma.masked", "range(3)"]
NUMBERS += ["np.datetime64('nat')", "np.longdouble('1e4000')", "[[1], [1, 2]]", "np.zeros((1,) * 32)"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_swallows_others_earns_nothing(problem: Problem, sandbox: Sandbox, number: str) -> None:
    attack = f"def energy(x, k): return {number}\ndef work(f, x): return {number}\n"
    attack += f"def force(x, k):\n    x[:] = np.nan\n    return [{number}] * len(x)\n"
    attack += f"def step(state, dt):\n    state['x'] = {number}\n    return {{'x': {number}, 'v': [{number}]}}"
    assert_earned(hand_in(problem, sandbox, attack), 0)
