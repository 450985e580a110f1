"""Reference for "Two-layer backprop: a gas of neurons": eqs. (1.20)-(1.22) and (2.2)-(2.5) of the notes, repaired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def act(z: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """The activation σ(z), entry by entry: the σ of eq. (1.21).

    tanh: tanh z;  relu: max(z, 0);  sigmoid: 1/(1 + e⁻ᶻ);  softplus: log(1 + eᶻ).

    z: real numbers of any shape, dimensionless. Returns float64 of the same shape, finite for |z| up to 800 and more.
    Raises ValueError for any other `kind`.
    """
    ### BEGIN SOLUTION
    z = np.asarray(z, dtype=float)
    if kind == "tanh":
        return np.tanh(z)
    if kind == "relu":
        return np.maximum(z, 0.0)
    u = np.exp(-np.abs(z))  # never more than one, so that nothing below can overflow
    if kind == "sigmoid":
        return np.where(z >= 0, 1.0, u) / (1.0 + u)
    if kind == "softplus":
        return np.maximum(z, 0.0) + np.log1p(u)
    raise ValueError(f"There is no activation {kind!r}; choose tanh, relu, sigmoid or softplus.")
    ### END SOLUTION


def dact(z: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """The derivative σ′(z) of `act`, entry by entry, at the pre-activation z: the σ′ of eq. (2.5).

    z: real numbers of any shape. Returns float64 of the same shape, finite for |z| up to 800 and more.
    relu has a kink: σ′(0) may be any slope in [0, 1]; here it is 0, as in PyTorch.
    Raises ValueError for any other `kind`.
    """
    ### BEGIN SOLUTION
    z = np.asarray(z, dtype=float)
    if kind == "relu":
        return np.where(z > 0, 1.0, 0.0)
    u = np.exp(-np.abs(z))  # never more than one, so that nothing below can overflow
    if kind == "tanh":
        return 4.0 * (u / (1.0 + u**2)) ** 2  # 1/cosh², which keeps its digits where 1 − tanh² cancels
    if kind == "sigmoid":
        return u / (1.0 + u) ** 2
    if kind == "softplus":
        return np.where(z >= 0, 1.0, u) / (1.0 + u)
    raise ValueError(f"There is no activation {kind!r}; choose tanh, relu, sigmoid or softplus.")
    ### END SOLUTION


def forward(
    X: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], W: NDArray[np.float64], kind: str
) -> NDArray[np.float64]:
    """The network's output for each point of a batch, eq. (1.21): ŷ_β = (1/N) Σᵢ aᵢ σ(wᵢ·x_β + bᵢ).

    X: (B, d), one point x_β per row. a, b: (N,). W: (N, d), one neuron wᵢ per row.
    Returns (B,), float64, in the units of a. Raises ValueError for an unknown `kind`.
    """
    ### BEGIN SOLUTION
    return act(X @ W.T + b, kind) @ a / len(a)
    ### END SOLUTION


def loss(y: NDArray[np.float64], yhat: NDArray[np.float64]) -> float:
    """The mean square error of a batch: L = (1/B) Σ_β (y_β − ŷ_β)².

    Eq. (1.20) is the term of one point, without a factor ½; the batch takes the mean.
    y, yhat: (B,). Returns a float, in the units of y squared.
    """
    ### BEGIN SOLUTION
    return float(np.mean((y - yhat) ** 2))
    ### END SOLUTION


def grad_single(
    x: NDArray[np.float64], y: float, a: NDArray[np.float64], b: NDArray[np.float64], W: NDArray[np.float64], kind: str
) -> dict[str, NDArray[np.float64]]:
    """The gradient of L = (y − ŷ)² at one point x: ∂L/∂wᵢ of eq. (1.22), one row per neuron, and ∂L/∂aᵢ, ∂L/∂bᵢ.

    x: (d,). y: a number. a, b: (N,). W: (N, d). Returns {"a": (N,), "b": (N,), "W": (N, d)}, float64: a gradient has
    the shape of its parameter, and the units of L per unit of it. Raises ValueError for an unknown `kind`.
    Source: eqs. (1.20)-(1.22).
    """
    ### BEGIN SOLUTION
    N = len(a)
    z = W @ x + b
    h = act(z, kind)
    dyhat = -2.0 * (y - a @ h / N)  # ∂L/∂ŷ
    db = dyhat * a * dact(z, kind) / N  # ∂L/∂zᵢ, and ∂zᵢ/∂bᵢ = 1
    return {"a": dyhat * h / N, "b": db, "W": np.outer(db, x)}
    ### END SOLUTION


def grad_batch(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    W: NDArray[np.float64],
    kind: str,
) -> dict[str, NDArray[np.float64]]:
    """The gradient of the batch loss L = (1/B) Σ_β (y_β − ŷ_β)²: the mean of `grad_single` over the points.

    X: (B, d), one point per row. y: (B,). a, b: (N,). W: (N, d). Returns {"a": (N,), "b": (N,), "W": (N, d)}, float64.
    No argument is changed. Raises ValueError for an unknown `kind`. Source: eqs. (1.20)-(1.22), averaged.
    """
    ### BEGIN SOLUTION
    B, N = len(y), len(a)
    Z = X @ W.T + b  # (B, N)
    H = act(Z, kind)
    dyhat = -2.0 * (y - H @ a / N) / B  # (B,)
    dZ = dyhat[:, None] * a * dact(Z, kind) / N  # (B, N)
    return {"a": dyhat @ H / N, "b": dZ.sum(axis=0), "W": dZ.T @ X}
    ### END SOLUTION


def grad_input(
    X: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], W: NDArray[np.float64], kind: str
) -> NDArray[np.float64]:
    """The slope of the output at each point, G[β, j] = ∂ŷ(x_β)/∂x_βj: for an energy ŷ(q, p), −∂ŷ/∂q is the force.

    X: (B, d), one point per row. a, b: (N,). W: (N, d). Returns (B, d), float64, row β for point β, in the units of a
    per unit of x. Raises ValueError for an unknown `kind`.
    Source: eq. (1.21), differentiated by its input; laid out like X.
    """
    ### BEGIN SOLUTION
    return (dact(X @ W.T + b, kind) * a) @ W / len(a)
    ### END SOLUTION


def linear_jacobian(W: NDArray[np.float64], b: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """All derivatives of the linear layer z = Wx + b, eq. (2.3), with respect to its weights: J[k, i, j] = ∂z_k/∂W_ij.

    W: (n, m). b: (n,). x: (m,). Returns (n, n, m), float64, indices in the order k, i, j.
    Source: eq. (2.4), with the index k of the output that the notes leave out: ∂z_k/∂W_ij = δ_ki x_j.
    """
    ### BEGIN SOLUTION
    return np.eye(len(b))[:, :, None] * x
    ### END SOLUTION


def linear_vjp(
    g: NDArray[np.float64], W: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pull g = ∂L/∂z back through the linear layer z = Wx + b, eq. (2.3), without forming its Jacobian.

    g: (n,). W: (n, m). x: (m,). Returns the tuple (∂L/∂W, ∂L/∂b, ∂L/∂x) of shapes (n, m), (n,), (m,), float64.
    Source: eqs. (2.3)-(2.5).
    """
    ### BEGIN SOLUTION
    return np.outer(g, x), np.array(g, dtype=float), g @ W
    ### END SOLUTION


def gradcheck(
    f: Callable[[NDArray[np.float64]], float],
    grad: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    theta: NDArray[np.float64],
    h: float = 1e-5,
) -> float:
    """How far grad(θ) is from the central differences of f, relative to the larger of the two gradients.

    n_i = [f(θ + h e_i) − f(θ − h e_i)] / 2h,    error = max_i |grad(θ)_i − n_i| / max_j max(|grad(θ)_j|, |n_j|)

    and 0 if both gradients vanish. f maps (P,) to a number, grad maps (P,) to (P,). theta: (P,), left as it is.
    h: the step, absolute, in the units of theta. Returns a float without units. About 1e-9 for a right gradient of a
    smooth f; of order one for a wrong sign or factor.
    """
    ### BEGIN SOLUTION
    theta = np.array(theta, dtype=float)
    numerical = np.zeros_like(theta)
    for i in range(len(theta)):
        step = np.zeros_like(theta)
        step[i] = h
        numerical[i] = (f(theta + step) - f(theta - step)) / (2.0 * h)
    analytic = np.asarray(grad(theta), dtype=float)
    scale = np.max(np.abs([analytic, numerical]))
    if scale == 0:
        return 0.0
    return float(np.max(np.abs(analytic - numerical)) / scale)
    ### END SOLUTION


def train(
    X: NDArray[np.float64], y: NDArray[np.float64], params: dict[str, NDArray[np.float64]], lr: float, steps: int
) -> dict[str, NDArray[np.float64]]:
    """Full-batch gradient descent with tanh neurons: θ ← θ − lr·N·∂L/∂θ for θ = a, b and W together, `steps` times.

    The factor N undoes the 1/N of eq. (1.21), so that each neuron moves at a pace that does not depend on N.
    X: (B, d). y: (B,). params: {"a": (N,), "b": (N,), "W": (N, d)}, left as it is. lr: float. steps: 0, 1, 2, …
    Returns a new dict of new arrays with the same keys and shapes, float64.
    """
    ### BEGIN SOLUTION
    N = len(params["a"])
    params = {name: np.array(value, dtype=float) for name, value in params.items()}
    for _ in range(steps):
        gradient = grad_batch(X, y, params["a"], params["b"], params["W"], "tanh")
        params = {name: value - lr * N * gradient[name] for name, value in params.items()}
    return params
    ### END SOLUTION
