"""Unusual but right answers to "Woodbury: what a few modes do to a large matrix": each scores full marks."""

import numpy as np
import torch

from autograder.grading import alternative
from autograder.proof import define, derive, eye, given, inv, let, lmul, rewrite, solve, subst, symbols, verify
from solutions.ps01_linear_algebra.woodbury import is_identity, woodbury_solve


@alternative("sherman_morrison")
def entry_by_entry(Ainv, u, v):
    n = len(u)
    w = [sum(Ainv[i, j] * u[j] for j in range(n)) for i in range(n)]
    z = [sum(v[i] * Ainv[i, j] for i in range(n)) for j in range(n)]
    d = 1 + sum(v[i] * w[i] for i in range(n))
    if abs(d) <= 1e-12 * (1 + np.sqrt(sum(x * x for x in v)) * np.sqrt(sum(x * x for x in w))):
        raise np.linalg.LinAlgError("singular")
    return [[Ainv[i, j] - w[i] * z[j] / d for j in range(n)] for i in range(n)]


@alternative("sherman_morrison")
def with_tensors(Ainv, u, v):
    Ainv, u, v = torch.tensor(Ainv), torch.tensor(u, requires_grad=True), torch.as_tensor(v)
    w = Ainv @ u
    d = 1 + v @ w
    if d.abs() <= 1e-12 * (1 + v.norm() * w.norm()):
        raise np.linalg.LinAlgError("singular")
    return Ainv - torch.outer(w, v @ Ainv) / d


@alternative("is_identity")
def difference_in_pythons_integers(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng([seed, p % 1000])
    for n, k in sizes:
        done = failed = 0
        while done < trials:
            M = {"v": rng.integers(0, p, (1, n)), "u": rng.integers(0, p, (n, 1)), "C": rng.integers(0, p, (k, k))}
            M |= {"V": rng.integers(0, p, (k, n)), "U": rng.integers(0, p, (n, k))}
            M |= {name: rng.integers(0, p, (n, n)) for name in "BA"}
            right, left = rhs(M, p), lhs(M, p)
            if left is None or right is None:
                failed += 1
                if failed == 500:
                    raise ValueError("no inverse")
                continue
            done, failed = done + 1, 0
            difference = np.asarray(left).astype(object) - np.asarray(right).astype(object)
            if np.any(difference % p != 0):
                return np.bool_(False)
    return np.bool_(True)


@alternative("is_identity")
def evaluated_twice(lhs, rhs, sizes, p, trials, seed=0):
    import random

    draw = random.Random(seed)
    verdicts = []
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            for _ in range(500):
                M = {
                    s: np.array([[draw.randrange(p) for _ in range(c)] for _ in range(r)])
                    for s, (r, c) in shapes.items()
                }
                if lhs(M, p) is not None and rhs(M, p) is not None:
                    verdicts.append(lhs(M, p).tolist() == rhs(M, p).tolist())
                    break
            else:
                raise ValueError("no inverse")
    return all(verdicts)


@alternative("verdicts")
def many_sizes_and_a_small_prime(candidates, seed=0):
    found = {}
    for name in candidates:
        lhs, rhs = candidates[name]
        sizes = [(n, k) for n in range(1, 5) for k in range(1, 4)]
        found[name] = all(is_identity(lhs, rhs, sizes, p, 2, seed + 1) for p in (1_000_003, 999_999_937))
    return found


@alternative("false_accept_bound")
def by_logarithms(degree, p, trials):
    if degree == 0 and trials > 0:
        return 0.0
    return np.exp(trials * min(0.0, np.log(max(degree, 1)) - np.log(p)))


@alternative("woodbury_proof")
def from_the_left(A, U, C, V):
    S, T = let("S", inv(C) + V @ inv(A) @ U), A + U @ C @ V
    X = inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)
    first = eye("n") + inv(A) @ U @ C @ V
    return verify(
        X @ T,
        first - inv(A) @ U @ inv(S) @ V - inv(A) @ U @ inv(S) @ V @ inv(A) @ U @ C @ V,
        first - inv(A) @ U @ inv(S) @ (inv(C) + V @ inv(A) @ U) @ C @ V,
        first - inv(A) @ U @ C @ V,
        eye("n"),
    )


@alternative("woodbury_proof")
def backwards_with_sums_reordered(A, U, C, V):
    S, T = V @ inv(A) @ U + inv(C), U @ C @ V + A
    X = -inv(A) @ U @ inv(S) @ V @ inv(A) + inv(A)
    return verify(
        eye("n"),
        U @ C @ V @ inv(A) + eye("n") - U @ C @ S @ inv(S) @ V @ inv(A),
        U @ C @ V @ inv(A) + eye("n") - (U @ C @ V @ inv(A) @ U + U) @ inv(S) @ V @ inv(A),
        U @ C @ V @ inv(A) + A @ inv(A) - (U @ C @ V @ inv(A) @ U + A @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        T @ X,
    )


@alternative("woodbury_proof")
def without_the_inverse_of_c(A, U, C, V):
    M = let("M", eye("k") + C @ V @ inv(A) @ U)
    X = inv(A) - inv(A) @ U @ inv(M) @ C @ V @ inv(A)
    return verify((A + U @ C @ V) @ X, eye("n") + U @ C @ V @ inv(A) - U @ M @ inv(M) @ C @ V @ inv(A), eye("n"))


@alternative("woodbury_proof")
def by_the_inverse_of_a_product(A, U, C, V):
    S, T = let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
    CS = eye("k") + C @ V @ inv(A) @ U
    X = inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)
    return verify(
        T @ X,
        T @ (inv(A) - inv(A) @ U @ inv(S) @ inv(C) @ C @ V @ inv(A)),
        T @ (inv(A) - inv(A) @ U @ inv(C @ S) @ C @ V @ inv(A)),
        T @ (inv(A) - inv(A) @ U @ inv(CS) @ C @ V @ inv(A)),
        eye("n") + U @ C @ V @ inv(A) - U @ CS @ inv(CS) @ C @ V @ inv(A),
        eye("n"),
    )


@alternative("woodbury_proof")
def derived(A, U, C, V):
    S, T = let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
    return derive(
        inv(T),
        inv(T) @ A @ inv(A),
        inv(A) - inv(T) @ U @ C @ V @ inv(A),
        inv(A) - inv(T) @ U @ C @ S @ inv(S) @ V @ inv(A),
        inv(A) - inv(T) @ (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        inv(A) - inv(T) @ T @ inv(A) @ U @ inv(S) @ V @ inv(A),
        inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A),
    )


@alternative("woodbury_proof")
def solved_like_the_notes(A, U, C, V):
    x, y, z = symbols("x:n,1  y:n,1  z:k,1")
    S = let("S", inv(C) + V @ inv(A) @ U)
    return solve(
        given((A + U @ C @ V) @ x, y),
        lmul(inv(A), 1),
        rewrite(2, x, inv(A) @ y - inv(A) @ U @ C @ V @ x),
        define(z, C @ V @ x),
        subst(4, 3, x, inv(A) @ y - inv(A) @ U @ z),
        lmul(inv(C), 4),
        rewrite(6, inv(C) @ z, V @ x),
        subst(5, 7, inv(C) @ z, V @ inv(A) @ y - V @ inv(A) @ U @ z),
        rewrite(8, S @ z, V @ inv(A) @ y),
        lmul(inv(S), 9),
        rewrite(10, z, inv(S) @ V @ inv(A) @ y),
        subst(11, 5, x, (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)) @ y),
    )


@alternative("woodbury_solve")
def by_qr_and_one_call(solve_A, U, C, V, rhs):
    k = U.shape[1]
    if C.shape != (k, k):
        raise ValueError("C must be k×k.")
    b = rhs.reshape(len(rhs), -1)
    both = solve_A(np.hstack([U, b]))
    Q, R = np.linalg.qr(np.eye(k) + C @ V @ both[:, :k])
    x = both[:, k:] - both[:, :k] @ np.linalg.solve(R, Q.T @ C @ V @ both[:, k:])
    return x.reshape(rhs.shape)


@alternative("woodbury_solve")
def tensors_column_by_column(solve_A, U, C, V, rhs):
    k = U.shape[1]
    if np.shape(C) != (k, k):
        raise ValueError("C must be k×k.")
    modes = torch.stack([torch.as_tensor(np.array(solve_A(U[:, j]))) for j in range(k)], dim=1)
    solved = torch.as_tensor(np.array(solve_A(rhs))).reshape(len(rhs), -1)
    V, C = torch.as_tensor(V), torch.as_tensor(C)
    small = torch.eye(k, dtype=torch.float64) + V @ modes @ C
    return (solved - modes @ (C @ torch.linalg.solve(small, V @ solved))).reshape(rhs.shape)


@alternative("woodbury_logdet")
def by_singular_values_of_the_small_matrix(logdet_A, solve_A, U, C, V):
    small = np.eye(U.shape[1]) + C @ (V @ solve_A(U))
    sign, log = np.linalg.slogdet(small)
    return [logdet_A[0] * sign, logdet_A[1] + log]


@alternative("woodbury_logdet")
def array_of_two(logdet_A, solve_A, U, C, V):
    sign, log = torch.linalg.slogdet(torch.as_tensor(np.eye(len(C)) + C @ V @ solve_A(U)))
    return torch.stack([logdet_A[0] * sign, logdet_A[1] + log])


@alternative("chi2_correlated")
def whitened_first(r, stat, U, C):
    pulls, modes = r / stat, U / stat[:, None]
    small = np.eye(len(C)) + modes.T @ modes @ C
    return pulls @ pulls - pulls @ modes @ C @ np.linalg.solve(small, modes.T @ pulls)


@alternative("chi2_correlated")
def column_of_residuals(r, stat, U, C):
    x = woodbury_solve(lambda b: np.asarray(b) / stat[:, None] ** 2, U, C, U.T, r[:, None])
    return r[None, :] @ x
