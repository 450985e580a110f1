"""What the hidden tests of this problem are fed with, and how they read what comes back."""

import numpy as np

from autograder.grading import Tolerance, agree, check, sized

KINDS = ("tanh", "relu", "sigmoid", "softplus")

# Odd and distinct: with one point and one neuron 7 of 17 wrong gradients have the right numbers, with the first none.
# One has as many neurons as inputs, for those who transpose only where the shapes leave no choice.
SIZES = ((5, 7, 3), (4, 1, 2), (3, 9, 1), (1, 6, 2), (1, 1, 1), (6, 4, 4), (2, 200, 3))

# σ and σ′ at Z, from mpmath with 50 digits, rounded to 17.
Z = np.array([-30.0, -9.5, -2.75, -0.5, 0.125, 1.25, 4.0, 13.0, 35.0])
_FERMI = [9.357622968839299e-14, 7.4846227510611231e-5, 0.060086650174007622, 0.37754066879814544, 0.53120937337375626]
_FERMI += [0.77729986117469115, 0.98201379003790844, 0.9999977396757021, 0.99999999999999937]
_TANH = [-1.0, -0.99999998879440719, -0.99185972456820775, -0.46211715726000976, 0.12435300177159621]
_TANH += [0.8482836399575129, 0.99932929973906704, 0.99999999998978182, 1.0]
_SOFTPLUS = [9.3576229688397368e-14, 7.4849028629267164e-5, 0.061967589003198625, 0.47407698418010668]
_SOFTPLUS += [0.75759903531716907, 1.5019290813453729, 4.0181499279178097, 13.000002260326852, 35.000000000000001]
_SECH2 = [3.5026043050786081e-26, 2.2411185499018449e-8, 0.016214286779479069, 0.78644773296592741]
_SECH2 += [
    0.98453633095039339,
    0.28041486618043263,
    0.0013409506830258969,
    2.0436356112044477e-11,
    1.5901798943634587e-30,
]
_BELL = [9.3576229688384233e-14, 7.4840625552838661e-5, 0.056476244644874052, 0.23500371220159449, 0.24902597501361747]
_BELL += [0.17310478699249702, 0.017662706213291116, 2.2603191888376428e-6, 6.3051167601469814e-16]
HEIGHTS = {"tanh": _TANH, "relu": np.where(Z > 0, Z, 0.0), "sigmoid": _FERMI, "softplus": _SOFTPLUS}
SLOPES = {"tanh": _SECH2, "relu": np.where(Z > 0, 1.0, 0.0), "sigmoid": _BELL, "softplus": _FERMI}

# Fifty steps of right programs that round differently were apart by 1e-14; the nearest mistake by 1e-3.
TRAJECTORY = Tolerance(1e-8, 1e-10, "each step of the descent amplifies the rounding of the steps before it")

# A right gradcheck differs from ours by the rounding of f over the step: 1e-11 at 1e-5.
CHECKED = Tolerance(1e-6, 1e-6, "the rounding of f, divided by the step h, enters the error that gradcheck returns")


def draw(rng, B, N, d):
    """X, y, a, b, W of a batch of B points, N neurons and d inputs, and fields w·x + b of order one as well.

    A right derivative of tanh, as 1 − h² in automatic differentiation, keeps nine digits up to a field of 8.7 only;
    the fields' standard deviation is √2.
    """
    X, y, a, b, W = (rng.normal(size=shape) for shape in ((B, d), B, N, N, (N, d)))
    return X, y, a, b, W / np.sqrt(d)


def agree_gradients(actual, expected, tolerance, kind="tanh"):
    """Compare dicts with a, b and W: vectors in any layout, W in its own, where a transpose would matter."""
    parts = entries(actual, expected, of=f"your result with {kind}")
    for name, value in expected.items():
        shape = "exact" if name == "W" else "vector"
        agree(parts[name], value, tolerance, of=f"{name!r} of your result with {kind}", shape=shape)


def gradients(actual, shapes):
    """The student's gradients by the parameters in `shapes`, each as an array of that shape."""
    parts = entries(actual, shapes, of="your result")
    return {name: sized(parts[name], shape, of=f"the gradient by {name}") for name, shape in shapes.items()}


def entries(actual, names, *, of):
    """The dict that the student returned; it must have `names` among its keys."""
    check(
        isinstance(actual, dict) and set(names) <= set(actual),
        measured=f"{of} is not a dict with {' and '.join(names)} among its keys",
        allowed="a dict with the keys 'a', 'b' and 'W'",
        next_step="Return {'a': …, 'b': …, 'W': …}.",
    )
    return actual


def three(actual):
    """The three members of what linear_vjp returned."""
    check(
        isinstance(actual, (tuple, list)) and len(actual) == 3,
        measured="a result that is not a tuple of three",
        allowed="the tuple (∂L/∂W, ∂L/∂b, ∂L/∂x)",
        next_step="Return the three gradients, separated by commas.",
    )
    return actual


def network_loss(reference, rng):
    """The loss of a small tanh net as a function of one vector of its parameters, its gradient, and a point."""
    X, y, a, b, W = draw(rng, 6, 3, 1)

    def unpack(theta):
        theta = np.asarray(theta, dtype=float)
        return theta[:3], theta[3:6], theta[6:].reshape(3, 1)

    def f(theta):
        return reference.loss(y, reference.forward(X, *unpack(theta), "tanh"))

    def grad(theta):
        gradient = reference.grad_batch(X, y, *unpack(theta), "tanh")
        return np.concatenate([gradient[name].ravel() for name in ("a", "b", "W")])

    return f, grad, np.concatenate([a, b, W.ravel()])


def pendulums(rng, scale=1.0):
    """Coupled pendulums: an energy whose gradient has no small component, its gradient, and a point; P = 6."""
    # With these ranges every component lies between 0.4 and 2.1 of `scale`, whatever is drawn.
    strength, theta = rng.uniform(1.0, 2.0, size=6), rng.uniform(-1.0, 1.0, size=6)

    def f(angles):
        return float(scale * (np.sum(strength * np.sin(angles)) + 0.1 * np.cos(np.sum(angles))))

    def grad(angles):
        return scale * (strength * np.cos(angles) - 0.1 * np.sin(np.sum(angles)))

    return f, grad, theta
