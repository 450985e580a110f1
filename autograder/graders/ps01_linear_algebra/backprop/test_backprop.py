"""Hidden tests of "Two-layer backprop: a gas of neurons"."""

from functools import partial

import numpy as np

from autograder.graders.ps01_linear_algebra.backprop.cases import (
    CHECKED,
    HEIGHTS,
    KINDS,
    SIZES,
    SLOPES,
    TRAJECTORY,
    Z,
    agree_gradients,
    draw,
    gradients,
    network_loss,
    pendulums,
    three,
)
from autograder.grading import (
    ALGEBRA,
    DIFFERENCE,
    FLOAT32,
    agree,
    as_float,
    check,
    check_law,
    part,
    points,
    sized,
    untouched,
)

SEVEN = {"a": (7,), "b": (7,), "W": (7, 3)}


# In each test the student's function is called on every input before any answer is judged: a typical mistake is
# recognised by all its numbers. One test asks for all kinds, for each case of a test costs a copy of the notebook.


@part("activations", "The activation and its slope", functions=("act", "dact"))
class TestActivations:
    @points(1)
    def test_act(self, student, reference, rng):
        """act equals σ to full precision, for arrays of any shape."""
        compare_entrywise(student.act, reference.act, HEIGHTS, rng)

    @points(1)
    def test_dact(self, student, reference, rng):
        """dact equals σ′ at z to full precision, for arrays of any shape."""
        compare_entrywise(student.dact, reference.dact, SLOPES, rng)

    @points(0.5)
    def test_extremes(self, student, reference, rng):
        """σ and σ′ stay finite and right where exponentials overflow, and relu′ is between 0 and 1 at its kink."""
        # The moderate z sets the scale: 1 − tanh² is 0 at z = 40, where 1/cosh² is 7e-35, and both are right.
        far = [rng.permutation([-800.0, -720.0, -40.0, 40.0, 720.0, 800.0, rng.uniform(0.1, 1.0)]) for _ in range(3)]
        beside = [np.array([-s, 0.0, s]) for s in rng.uniform(0.1, 1.0, size=3)]
        kinks = [student.dact(z, "relu") for z in beside]
        for name in ("act", "dact"):
            inputs = [(z, kind) for kind in KINDS for z in far]
            answers = [getattr(student, name)(*args) for args in inputs]
            for args, answer in zip(inputs, answers, strict=True):
                agree(answer, getattr(reference, name)(*args), ALGEBRA, of=f"{name} of {args[1]}")
        for answer in kinks:
            slopes = sized(answer, (3,), of="dact of relu")
            agree(slopes[[0, 2]], [0.0, 1.0], ALGEBRA, of="dact of relu beside its kink")
            check(
                0 <= slopes[1] <= 1,
                measured=f"a slope of {slopes[1]:.3g} at the kink of relu",
                allowed="any slope from 0 to 1",
                next_step="Decide what the comparison with zero gives at zero itself.",
            )

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """act and dact give the right numbers and leave z as it was."""
        z = rng.normal(size=(4, 3))
        for name in ("act", "dact"):
            for kind in KINDS:
                answer, after = getattr(student, name).inputs_after(z, kind)
                agree(answer, getattr(reference, name)(z, kind), ALGEBRA, of=f"{name} of {kind}")
                untouched(getattr(reference, name), (z, kind), after)


def compare_entrywise(mine, reference, table, rng):
    """Compare σ or σ′ with the table of exact values, and with the reference on random arrays."""
    inputs = [(3 * rng.normal(size=shape), kind) for shape in ((7,), (5, 7), (2, 3, 4)) for kind in KINDS]
    tabulated = [mine(Z, kind) for kind in KINDS]
    answers = [mine(*args) for args in inputs]
    for kind, answer in zip(KINDS, tabulated, strict=True):
        agree(answer, table[kind], ALGEBRA, of=kind)
    for args, answer in zip(inputs, answers, strict=True):
        agree(answer, reference(*args), ALGEBRA, of=args[1])


@part("forward", "The field of the gas", functions=("forward",))
class TestForward:
    @points(1)
    def test_equals_reference(self, student, reference, rng):
        """forward equals (1.21) for every point of the batch, at odd and distinct sizes."""
        inputs = [(X, a, b, W, kind) for kind in KINDS for X, _, a, b, W in (draw(rng, *size) for size in SIZES)]
        answers = [student.forward(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(answer, reference.forward(*args), ALGEBRA, of=f"ŷ with {args[-1]}", shape="vector")

    @points(0.5)
    def test_copies(self, student, reference, rng):
        """A gas in which each neuron has two copies makes the same field, for it is an average."""
        for kind in KINDS:
            X, _, a, b, W = draw(rng, 5, 4, 3)
            thrice = student.forward(X, np.tile(a, 3), np.tile(b, 3), np.tile(W, (3, 1)), kind)
            agree(thrice, reference.forward(X, a, b, W, kind), ALGEBRA, of=f"ŷ with {kind}", shape="vector")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """forward gives the right numbers and leaves its arguments as they were."""
        X, _, a, b, W = draw(rng, 6, 5, 2)
        for kind in KINDS:
            answer, after = student.forward.inputs_after(X, a, b, W, kind)
            agree(answer, reference.forward(X, a, b, W, kind), ALGEBRA, of=f"ŷ with {kind}", shape="vector")
            untouched(reference.forward, (X, a, b, W, kind), after)


@part("loss", "The mean square error", functions=("loss",))
class TestLoss:
    @points(0.5)
    def test_equals_reference(self, student, reference, rng):
        """loss is the mean square residual, as one number, for batches of several sizes."""
        inputs = [tuple(rng.normal(size=(2, B))) for B in (7, 3, 12, 5)]
        answers = [student.loss(y, yhat) for y, yhat in inputs]
        for (y, yhat), answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the loss"), reference.loss(y, yhat), ALGEBRA, of="the loss")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """loss gives the right number, for a single point as well, and leaves y and ŷ as they were."""
        for B in (9, 1):
            y, yhat = rng.normal(size=(2, B))
            answer, after = student.loss.inputs_after(y, yhat)
            agree(as_float(answer, of="the loss"), reference.loss(y, yhat), ALGEBRA, of="the loss")
            untouched(reference.loss, (y, yhat), after)


def single(rng, N, d):
    """x, y, a, b, W of one point."""
    X, y, a, b, W = draw(rng, 1, N, d)
    return X[0], float(y[0]), a, b, W


@part("grad_single", "The force on each neuron", functions=("grad_single",))
class TestGradSingle:
    def compare(self, student, reference, rng, name):
        inputs = [(*single(rng, N, d), kind) for kind in KINDS for _, N, d in SIZES]
        answers = [student.grad_single(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_gradients(answer, {name: reference.grad_single(*args)[name]}, ALGEBRA, args[-1])

    @points(1)
    def test_by_a(self, student, reference, rng):
        """∂L/∂a is right for one point, at odd and distinct sizes."""
        self.compare(student, reference, rng, "a")

    @points(1)
    def test_by_b(self, student, reference, rng):
        """∂L/∂b is right for one point, at odd and distinct sizes."""
        self.compare(student, reference, rng, "b")

    @points(1.5)
    def test_by_w(self, student, reference, rng):
        """∂L/∂W is right for one point, at odd and distinct sizes, with one row per neuron."""
        self.compare(student, reference, rng, "W")

    @points(0.5)
    def test_laws(self, student, reference, rng):
        """Σ aᵢ ∂L/∂aᵢ equals ŷ ∂L/∂ŷ, and neurons in another order have the same gradients in that order."""
        for kind in KINDS:
            x, y, a, b, W = single(rng, 7, 3)
            order = rng.permutation(7)
            first = gradients(student.grad_single(x, y, a, b, W, kind), SEVEN)
            second = gradients(student.grad_single(x, y, a[order], b[order], W[order], kind), SEVEN)
            yhat = reference.forward(x[None, :], a, b, W, kind)[0]
            law = f"Euler's identity for ∂L/∂a with {kind}"
            check_law(a @ first["a"], -2 * (y - yhat) * yhat, law, "Derive ∂L/∂ŷ first, then ∂ŷ/∂aᵢ.")
            for name in SEVEN:
                law = f"∂L/∂{name} of the reordered gas with {kind}"
                check_law(second[name], first[name][order], law, "No neuron is special: look for a fixed index.")

    @points(0.5)
    def test_single_precision(self, student, reference, rng):
        """float32 arguments give the gradient to the precision of float32."""
        for kind in KINDS:
            x, _, a, b, W = single(rng, 7, 3)
            # Every entry has the factor ŷ − y: where that nearly vanishes, single precision has no four digits of it.
            y = reference.forward(x[None], a, b, W, kind)[0] + rng.choice([-1, 1]) * rng.uniform(0.5, 2)
            args = x.astype(np.float32), float(np.float32(y)), *(value.astype(np.float32) for value in (a, b, W))
            exact = [np.asarray(value, dtype=float) for value in args]
            agree_gradients(student.grad_single(*args, kind), reference.grad_single(*exact, kind), FLOAT32, kind)

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """grad_single gives the right numbers and leaves its arguments as they were."""
        x, y, a, b, W = single(rng, 5, 2)
        for kind in KINDS:
            answer, after = student.grad_single.inputs_after(x, y, a, b, W, kind)
            agree_gradients(answer, reference.grad_single(x, y, a, b, W, kind), ALGEBRA, kind)
            untouched(reference.grad_single, (x, y, a, b, W, kind), after)


@part("grad_batch", "The whole batch, and the slope of the field", functions=("grad_batch", "grad_input"))
class TestGradBatch:
    @points(1.5)
    def test_equals_reference(self, student, reference, rng):
        """grad_batch equals the mean gradient over the batch, at odd and distinct sizes."""
        inputs = [(*draw(rng, *size), kind) for kind in KINDS for size in SIZES]
        answers = [student.grad_batch(*args) for args in inputs]
        for (X, y, *params), answer in zip(inputs, answers, strict=True):
            each = [reference.grad_single(x, t, *params) for x, t in zip(X, y, strict=True)]
            mean = {name: np.mean([gradient[name] for gradient in each], axis=0) for name in ("a", "b", "W")}
            agree_gradients(answer, mean, ALGEBRA, params[-1])

    @points(0.5)
    def test_laws(self, student, reference, rng):
        """Σ aᵢ ∂L/∂aᵢ is −2⟨(y − ŷ)ŷ⟩; repeated points, or neurons in another order, change nothing else."""
        for kind in KINDS:
            X, y, a, b, W = draw(rng, 5, 7, 3)
            order = rng.permutation(7)
            first = gradients(student.grad_batch(X, y, a, b, W, kind), SEVEN)
            twice = gradients(student.grad_batch(np.tile(X, (2, 1)), np.tile(y, 2), a, b, W, kind), SEVEN)
            other = gradients(student.grad_batch(X, y, a[order], b[order], W[order], kind), SEVEN)
            yhat = reference.forward(X, a, b, W, kind)
            law = f"Euler's identity for ∂L/∂a with {kind}"
            check_law(a @ first["a"], -2 * np.mean((y - yhat) * yhat), law, "Average over the points.")
            for name in SEVEN:
                law = f"∂L/∂{name} with repeated points and {kind}"
                check_law(twice[name], first[name], law, "A mean does not change if every point comes twice.")
                law = f"∂L/∂{name} of the reordered gas with {kind}"
                check_law(other[name], first[name][order], law, "No neuron is special: look for a fixed index.")

    @points(0.5)
    def test_large_gas(self, student, rng):
        """N ∂L/∂W stays of order one from a hundred neurons to ten thousand, and does not notice copies of neurons."""
        for N in (100, 1000, 10000):
            X, y, a, b, W = draw(rng, 20, N, 2)
            force = N * gradients(student.grad_batch(X, y, a, b, W, "tanh"), {"W": (N, 2)})["W"]
            rms = float(np.sqrt(np.mean(force**2)))
            # 900 draws gave 0.05 to 0.55; without the 1/N it is N times that, with a second one 1/N of it.
            check(
                0.01 < rms < 3,
                measured=f"rms N ∂L/∂W = {rms:.3g} at N = {N}",
                allowed="between 0.01 and 3: of order one",
                next_step="Count the factors 1/N in ∂ŷ/∂wᵢ.",
            )
        X, y, a, b, W = draw(rng, 5, 6, 2)
        args = X, y, np.tile(a, 2), np.tile(b, 2), np.tile(W, (2, 1)), "tanh"
        once = 6 * gradients(student.grad_batch(X, y, a, b, W, "tanh"), {"W": (6, 2)})["W"]
        twice = 12 * gradients(student.grad_batch(*args), {"W": (12, 2)})["W"]
        check_law(twice, np.tile(once, (2, 1)), "N ∂L/∂W with a copy of each neuron", "Where does N enter?")

    @points(1)
    def test_grad_input(self, student, reference, rng):
        """grad_input equals ∂ŷ/∂x for every point, at odd and distinct sizes, and leaves its arguments as they were."""
        inputs = [(X, a, b, W, kind) for kind in KINDS for X, _, a, b, W in (draw(rng, *size) for size in SIZES)]
        answers = [student.grad_input.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(answer, reference.grad_input(*args), ALGEBRA, of=f"∂ŷ/∂x with {args[-1]}")
            untouched(reference.grad_input, args, after)

    @points(0.5)
    def test_own_chain(self, student, rng):
        """grad_batch is the derivative of your own loss of your own forward, along random directions."""
        X, y, a, b, W = draw(rng, 6, 4, 2)
        params = {"a": a, "b": b, "W": W}
        shapes = {name: value.shape for name, value in params.items()}
        gradient = gradients(student.grad_batch(X, y, a, b, W, "tanh"), shapes)
        for name, value in params.items():
            direction, h = rng.normal(size=value.shape), 1e-5
            losses = []
            for step in (h, -h):
                moved = {**params, name: value + step * direction}
                yhat = sized(student.forward(X, *moved.values(), "tanh"), (6,), of="ŷ")
                losses.append(as_float(student.loss(y, yhat), of="the loss"))
            slope = (losses[0] - losses[1]) / (2 * h)
            # A slope is of order 0.1 here; below this it would be the rounding of a loss that does not depend on name.
            check(
                abs(slope) > 1e-9,
                measured=f"your loss does not change when {name} does",
                allowed="a loss that depends on every parameter",
                next_step="Print your loss before and after a small change of one parameter.",
            )
            along = float(np.sum(gradient[name] * direction))
            agree(along, slope, DIFFERENCE, of=f"the slope of your loss along {name}")

    @points(0.5)
    def test_single_precision(self, student, reference, rng):
        """float32 arguments give the gradient to the precision of float32."""
        for kind in KINDS:
            X, _, *params = draw(rng, 5, 7, 3)
            # All residuals have one sign: a mean of both may nearly vanish, and with it the digits of all its entries.
            y = reference.forward(X, *params, kind) + rng.choice([-1, 1]) * rng.uniform(0.5, 2, len(X))
            args = [value.astype(np.float32) for value in (X, y, *params)]
            exact = [value.astype(float) for value in args]
            agree_gradients(student.grad_batch(*args, kind), reference.grad_batch(*exact, kind), FLOAT32, kind)

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """grad_batch gives the right numbers and leaves its arguments as they were."""
        args = draw(rng, 6, 5, 2)
        for kind in KINDS:
            answer, after = student.grad_batch.inputs_after(*args, kind)
            agree_gradients(answer, reference.grad_batch(*args, kind), ALGEBRA, kind)
            untouched(reference.grad_batch, (*args, kind), after)


LAYERS = ((5, 3), (2, 7), (4, 1), (1, 6), (4, 4))
# Its Jacobian has 600³ numbers, 1.7 GB, which is more memory than a notebook may use; the gradients have 3 MB.
LARGE = (600, 600)


def layer(rng, n, m):
    """g, W, b, x of a linear layer from m to n."""
    return rng.normal(size=n), rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=m)


@part("linear_layer", "One linear layer, with all its indices", functions=("linear_jacobian", "linear_vjp"))
class TestLinearLayer:
    @points(1)
    def test_jacobian(self, student, reference, rng):
        """linear_jacobian is ∂z_k/∂W_ij in the order k, i, j, for layers of several shapes."""
        inputs = [layer(rng, n, m)[1:] for n, m in LAYERS]
        answers = [student.linear_jacobian(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(answer, reference.linear_jacobian(*args), ALGEBRA, of="the Jacobian")

    @points(0.5)
    def test_jacobian_predicts_the_change(self, student, reference, rng):
        """The Jacobian, contracted with a change of W, gives the change of z; the arguments stay as they were."""
        for n, m in LAYERS:
            _, W, b, x = layer(rng, n, m)
            dW = rng.normal(size=(n, m))
            answer, after = student.linear_jacobian.inputs_after(W, b, x)
            change = np.einsum("kij,ij->k", sized(answer, (n, n, m), of="the Jacobian"), dW)
            check_law(change, dW @ x, "J δW = δz", "Change one weight: which of the outputs move, and by how much?")
            untouched(reference.linear_jacobian, (W, b, x), after)

    @points(1)
    def test_vjp(self, student, reference, rng):
        """linear_vjp returns ∂L/∂W, ∂L/∂b and ∂L/∂x in this order, for layers of several shapes."""
        inputs = [(g, W, x) for g, W, _, x in (layer(rng, n, m) for n, m in LAYERS)]
        answers = [student.linear_vjp(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            (by_W, by_b, by_x), expected = three(answer), reference.linear_vjp(*args)
            agree(by_W, expected[0], ALGEBRA, of="∂L/∂W")
            agree(by_b, expected[1], ALGEBRA, of="∂L/∂b", shape="vector")
            agree(by_x, expected[2], ALGEBRA, of="∂L/∂x", shape="vector")

    @points(0.5)
    def test_vjp_is_the_adjoint(self, student, reference, rng):
        """g·δz equals the gradients of linear_vjp, contracted with changes of W, b and x; also for 600 units."""
        for n, m in (*LAYERS, LARGE):
            g, W, _, x = layer(rng, n, m)
            dW, db, dx = rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=m)
            answer, after = student.linear_vjp.inputs_after(g, W, x)
            by_W, by_b, by_x = three(answer)
            mine = np.sum(sized(by_W, (n, m), of="∂L/∂W") * dW)
            mine += sized(by_b, (n,), of="∂L/∂b") @ db + sized(by_x, (m,), of="∂L/∂x") @ dx
            check_law(mine, g @ (dW @ x + db + W @ dx), "g·δz = Σ gradient·change", "Contract J with g on paper.")
            untouched(reference.linear_vjp, (g, W, x), after)


# A right gradient of a smooth function is off by 1e-9 at h = 1e-5, or by 1e-6 with a one-sided difference; the smallest
# planted bug by 1e-2. The statement names these two borders.
RIGHT, WRONG = 1e-7, 1e-3


def tells_apart(student, rng, f, right, wrongs, theta):
    """gradcheck passes `right` and flags each of `wrongs`: both, since a constant would do for one of them.

    Right and wrong ones come in a random number and order, so that counting the calls tells nothing.
    """
    gradients = [right] * int(rng.integers(1, 4)) + list(wrongs) * int(rng.integers(1, 3))
    order = rng.permutation(len(gradients))
    errors = {index: as_float(student.gradcheck(f, gradients[index], theta), of="the error") for index in order}
    passed = [error for index, error in errors.items() if gradients[index] is right]
    flagged = [error for index, error in errors.items() if gradients[index] is not right]
    check(
        min(passed) >= 0 and max(passed) < RIGHT,
        measured=f"{max(passed, key=abs):.3g} for a gradient that is right",
        allowed=f"at least 0 and below {RIGHT:g}",
        next_step="Compare your differences n_i with the gradient of a function that you can differentiate by hand.",
    )
    check(
        min(flagged) > WRONG,
        measured=f"{min(flagged):.3g} for a gradient that is wrong",
        allowed=f"more than {WRONG:g}",
        next_step="Spoil the gradient of a function that you know, in each of its components, and look at your error.",
    )


def spoilt(bug, grad):
    """grad with a bug. A function of one argument only: a student may call it with more."""
    return lambda theta: bug(grad(theta))


WHOLE = (
    lambda grad: lambda theta: -grad(theta),
    lambda grad: lambda theta: grad(theta) / 2,
    lambda grad: lambda theta: grad(1.1 * np.asarray(theta)),
)


def last_is_zero(g):
    return np.append(g[:-1], 0.0)


def two_are_swapped(g):
    order = np.argsort(g)
    g[order[[0, -1]]] = g[order[[-1, 0]]]
    return g


def a_tenth_less(g):
    return 0.9 * g


def largest_is_off(g):
    g[np.argmax(np.abs(g))] *= 1.01
    return g


@part("gradcheck", "Trust, but differentiate", functions=("gradcheck",))
class TestGradcheck:
    @points(1)
    def test_whole_gradient(self, student, reference, rng):
        """gradcheck passes the gradient of a network and flags one that is wrong as a whole."""
        f, grad, theta = network_loss(reference, rng)
        tells_apart(student, rng, f, grad, [bug(grad) for bug in WHOLE], theta)

    @points(1)
    def test_single_components(self, student, rng):
        """gradcheck passes a right gradient and flags one in which one or two components are wrong."""
        f, grad, theta = pendulums(rng)
        wrong = [spoilt(bug, grad) for bug in (last_is_zero, two_are_swapped, largest_is_off)]
        tells_apart(student, rng, f, grad, wrong, theta)

    @points(1)
    def test_scale(self, student, rng):
        """gradcheck tells right from wrong for functions of the size of a millionth and of a million as well."""
        for scale in (1e-6, 1e6):
            f, grad, theta = pendulums(rng, scale)
            tells_apart(student, rng, f, grad, [spoilt(a_tenth_less, grad)], theta)

    @points(0.5)
    def test_definition(self, student, reference, rng):
        """gradcheck returns the error as the statement defines it, at the step that is asked for."""
        inputs = []
        for h in (1e-5, 1e-2, 1e-1):
            f, grad, theta = pendulums(rng)
            factors = rng.uniform(0.8, 1.0, size=6)
            inputs.append((f, spoilt(partial(np.multiply, factors), grad), theta, h))
            # Beyond |θ| = 1 a step relative to θ is another step.
            inputs.append((f, grad, 2 + theta, 0.1 + h))
        answers = [student.gradcheck(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the error"), reference.gradcheck(*args), CHECKED, of="the error")

    @points(0.5)
    def test_arguments(self, student, rng):
        """gradcheck tells right from wrong and leaves theta as it was."""
        f, grad, theta = pendulums(rng)
        tells_apart(student, rng, f, grad, [spoilt(np.negative, grad)], theta)
        _, after = student.gradcheck.inputs_after(f, grad, theta)
        # Stepping forth and back in place restores theta up to its last digit, which is fair.
        agree(after[2], theta, ALGEBRA, of="theta after the call")


def descent(rng, B, N, d):
    """X, y and starting parameters of a small network."""
    X, y, a, b, W = draw(rng, B, N, d)
    return X, y, {"a": a, "b": b, "W": W}


@part("train", "Let the gas relax", functions=("train",))
class TestTrain:
    @points(1.5)
    def test_fifty_steps(self, student, reference, rng):
        """After fifty steps the parameters are those of full-batch gradient descent."""
        inputs = [(*descent(rng, *size), 0.03, 50) for size in ((6, 5, 2), (5, 7, 3), (4, 3, 1))]
        answers = [student.train(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_gradients(answer, reference.train(*args), TRAJECTORY)

    @points(0.5)
    def test_counts_its_steps(self, student, reference, rng):
        """train makes exactly as many steps as it is asked for: none, one and two, small ones and large ones."""
        # At lr = 10 the loss rises: whoever clips the gradient or goes back to a better point is seen.
        inputs = [(*descent(rng, 6, 5, 2), lr, steps) for lr in (0.1, 10.0) for steps in (0, 1, 2)]
        answers = [student.train(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_gradients(answer, reference.train(*args), ALGEBRA)

    @points(0.5)
    def test_pace(self, student, reference, rng):
        """In a gas with two copies of each neuron every neuron moves as it would without them."""
        X, y, start = descent(rng, 6, 4, 2)
        twice = {"a": np.tile(start["a"], 2), "b": np.tile(start["b"], 2), "W": np.tile(start["W"], (2, 1))}
        once = reference.train(X, y, start, 0.1, 8)
        expected = {"a": np.tile(once["a"], 2), "b": np.tile(once["b"], 2), "W": np.tile(once["W"], (2, 1))}
        agree_gradients(student.train(X, y, twice, 0.1, 8), expected, TRAJECTORY)

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """train returns the right parameters and leaves the starting ones, and the data, as they were."""
        X, y, start = descent(rng, 7, 5, 2)
        answer, after = student.train.inputs_after(X, y, start, 0.05, 5)
        agree_gradients(answer, reference.train(X, y, start, 0.05, 5), TRAJECTORY)
        untouched(reference.train, (X, y, start, 0.05, 5), after)
