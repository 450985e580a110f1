"""Unusual but right answers to "Two-layer backprop: a gas of neurons": each scores full marks."""

import numpy as np
import torch

from autograder.grading import alternative
from solutions.ps01_linear_algebra.backprop import act, dact, grad_batch, grad_single


@alternative("act")
def number_by_number(z, kind):
    import math

    def sigma(t):
        e = math.exp(-abs(t))
        if kind == "sigmoid":
            return 1 / (1 + e) if t >= 0 else e / (1 + e)
        return {"tanh": math.tanh(t), "relu": max(t, 0.0), "softplus": max(t, 0.0) + math.log1p(e)}[kind]

    return np.vectorize(sigma, otypes=[float])(z)


@alternative("act")
def from_torch(z, kind):
    z = torch.as_tensor(z)
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
    return functions.get(kind, torch.nn.functional.softplus)(z).numpy()


@alternative("act")
def all_from_tanh(z, kind):
    z = np.asarray(z)
    if kind == "sigmoid":
        return 0.5 * (1 + np.tanh(0.5 * z))
    return {"tanh": np.tanh(z), "relu": z * (z > 0), "softplus": np.logaddexp(0, z)}[kind]


@alternative("dact")
def cancelling_and_steep_kink(z, kind):
    h = act(z, kind)
    if kind == "relu":
        return np.heaviside(z, 1.0)
    return {"tanh": (1 - h) * (1 + h), "sigmoid": h * (1 - h), "softplus": 1 - np.exp(-h)}[kind]


@alternative("dact")
def hyperbolic_and_symmetric_kink(z, kind):
    z = np.asarray(z, dtype=float)
    with np.errstate(over="ignore"):
        if kind == "tanh":
            return 1 / np.cosh(z) ** 2
        if kind == "sigmoid":
            return 0.25 / np.cosh(z / 2) ** 2
    return 0.5 * (1 + np.sign(z)) if kind == "relu" else act(z, "sigmoid")


@alternative("dact")
def by_automatic_differentiation(z, kind):
    z = torch.tensor(z, requires_grad=True)
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
    functions.get(kind, torch.nn.functional.softplus)(z).sum().backward()
    return z.grad.numpy()


@alternative("forward")
def list_of_floats(X, a, b, W, kind):
    field = []
    for x in X:
        terms = [float(a[i]) * float(act(np.dot(W[i], x) + b[i], kind)) for i in range(len(a))]
        field.append(sum(terms) / len(terms))
    return field


@alternative("forward")
def column_by_einsum(X, a, b, W, kind):
    Z = np.einsum("Bd,Nd->BN", X, W) + b
    return np.einsum("BN,N->B", act(Z, kind), a)[:, None] / np.size(a)


@alternative("loss")
def tensor_that_knows_its_history(y, yhat):
    yhat = torch.tensor(yhat, requires_grad=True)
    return torch.nn.functional.mse_loss(yhat, torch.as_tensor(y))


@alternative("loss")
def array_of_one_number(y, yhat):
    residual = np.reshape(y, (1, -1)) - np.reshape(yhat, (1, -1))
    return residual @ residual.T / residual.size


@alternative("grad_single")
def torch_leaves(x, y, a, b, W, kind):
    a, b, W, x = (torch.tensor(value, requires_grad=True) for value in (a, b, W, x))
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
    yhat = (a * functions.get(kind, torch.nn.functional.softplus)(W @ x + b)).mean()
    return dict(zip(("a", "b", "W"), torch.autograd.grad((y - yhat) ** 2, (a, b, W), create_graph=True), strict=True))


@alternative("grad_single")
def columns_and_lists(x, y, a, b, W, kind):
    N = len(a)
    z = np.array([sum(w * t for w, t in zip(W[i], x, strict=True)) + b[i] for i in range(N)])
    residual = y - sum(a * act(z, kind)) / N
    by_a = [-2 / N * residual * h for h in act(z, kind)]
    by_b = (-2 / N * residual * a * dact(z, kind)).reshape(N, 1)
    return {"a": by_a, "b": by_b, "W": [[by_b[i, 0] * t for t in x] for i in range(N)], "yhat": y - residual}


@alternative("grad_batch")
def mean_of_single_ones(X, y, a, b, W, kind):
    total = {"a": 0.0, "b": 0.0, "W": 0.0}
    for x, target in zip(X, y, strict=True):
        for name, value in grad_single(x, target, a, b, W, kind).items():
            total[name] = total[name] + value / len(y)
    return total


@alternative("grad_batch")
def by_einsum(X, y, a, b, W, kind):
    Z = np.einsum("Bd,Nd->BN", X, W) + b[None, :]
    residual = y - np.einsum("N,BN->B", a, act(Z, kind)) / a.size
    force = np.einsum("B,N,BN->BN", residual, a, dact(Z, kind))
    by_W = np.einsum("BN,Bd->Nd", force, X)
    by_a = np.einsum("B,BN->N", residual, act(Z, kind))
    return {name: -2 * value / (y.size * a.size) for name, value in (("W", by_W), ("b", force.sum(0)), ("a", by_a))}


@alternative("grad_batch")
def by_autograd(X, y, a, b, W, kind):
    X, y = torch.as_tensor(X), torch.as_tensor(y)
    a, b, W = (torch.tensor(value, requires_grad=True) for value in (a, b, W))
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
    yhat = functions.get(kind, torch.nn.functional.softplus)(X @ W.T + b) @ a / len(a)
    torch.mean((yhat - y) ** 2).backward()
    return {"a": a.grad.numpy(), "b": b.grad.numpy(), "W": W.grad.numpy()}


@alternative("grad_input")
def rows_as_lists(X, a, b, W, kind):
    rows = []
    for x in X:
        slope = dact(np.array([w @ x for w in W]) + b, kind)
        rows.append([float(np.mean(a * slope * W[:, j])) for j in range(len(x))])
    return rows


@alternative("grad_input")
def tensor_with_gradient(X, a, b, W, kind):
    slope = torch.tensor(dact(X @ W.T + b, kind), requires_grad=True)
    return torch.einsum("BN,N,Nd->Bd", slope, torch.as_tensor(a), torch.as_tensor(W)) / len(a)


@alternative("linear_jacobian")
def jacobian_by_autograd(W, b, x):
    return torch.autograd.functional.jacobian(lambda V: V @ torch.tensor(x) + torch.tensor(b), torch.tensor(W))


@alternative("linear_jacobian")
def three_nested_lists(W, b, x):
    n, m = np.shape(W)
    return [[[float(x[j]) if k == i else 0 for j in range(m)] for i in range(n)] for k in range(n)]


@alternative("linear_vjp")
def columns_of_tensors(g, W, x):
    column, row = torch.tensor(g)[:, None], torch.tensor(x)[None, :]
    return column @ row, column, torch.tensor(W).T @ column


@alternative("gradcheck")
def stepping_in_place(f, grad, theta, h=1e-5):
    largest, scale, g = 0.0, 0.0, grad(theta)
    for i in range(theta.size):
        kept = theta[i]
        theta[i] = kept + h
        above = f(theta)
        theta[i] = kept - h
        n = (above - f(theta)) / (2 * h)
        theta[i] = kept
        largest, scale = max(largest, abs(g[i] - n)), max(scale, abs(g[i]), abs(n))
    return largest / scale if scale else 0


@alternative("gradcheck")
def with_plain_lists(f, grad, theta, h=1e-5):
    theta, g = [float(t) for t in theta], list(grad(theta))
    n = []
    for i in range(len(theta)):
        above, below = f([*theta[:i], theta[i] + h, *theta[i + 1 :]]), f([*theta[:i], theta[i] - h, *theta[i + 1 :]])
        n.append((above - below) / h / 2)
    scale = max(abs(value) for value in g + n)
    return np.float64(max(abs(p - q) for p, q in zip(g, n, strict=True)) / (scale or 1.0))


@alternative("train")
def with_an_optimiser(X, y, params, lr, steps):
    X, y = torch.as_tensor(X), torch.as_tensor(y)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    optimiser = torch.optim.SGD(leaves.values(), lr=lr * len(leaves["a"]))
    for _ in range(steps):
        optimiser.zero_grad()
        yhat = torch.tanh(X @ leaves["W"].T + leaves["b"]) @ leaves["a"] / len(leaves["a"])
        torch.nn.functional.mse_loss(yhat, y).backward()
        optimiser.step()
    return leaves


@alternative("train")
def counting_down_to_lists(X, y, params, lr, steps):
    while steps > 0:
        g = grad_batch(X, y, params["a"], params["b"], params["W"], "tanh")
        params, steps = {name: params[name] - len(params["a"]) * lr * g[name] for name in params}, steps - 1
    return {name: value.tolist() for name, value in params.items()}
