"""Woodbury's identity as a theorem for the proof checker, a smaller one to practise on, and ten candidates."""

from __future__ import annotations

from matrix_algebra import Expr, eye, inv, let, symbols
from matrix_proofs import Claim, Theorem

SIGN = "This has the sign of the notes: in (1.30) the correction is subtracted, as in their own (1.29)."
CORE = "The k×k matrix is S = C⁻¹ + V A⁻¹ U: it begins with the inverse of C."


def woodbury() -> Theorem:
    """(A + UCV)⁻¹ = A⁻¹ - A⁻¹U S⁻¹ V A⁻¹ with S = C⁻¹ + VA⁻¹U: (1.30) of the notes, sign repaired, in three modes.

    verify: T X = I or X T = I for T = A + UCV, given the inverses of A, C, S. derive: T⁻¹ = X, given that of T as well.
    solve: x = X y from T x = y. X may also be written with C (I + VA⁻¹UC)⁻¹ or (I + CVA⁻¹U)⁻¹ C in the place of S⁻¹.
    """
    A, U, C, V, x, y = symbols("A:n,n  U:n,k  C:k,k  V:k,n  x:n,1  y:n,1")
    S, T = let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
    cores = (inv(S), C @ inv(eye("k") + V @ inv(A) @ U @ C), inv(eye("k") + C @ V @ inv(A) @ U) @ C)
    forms = [inv(A) - inv(A) @ U @ core @ V @ inv(A) for core in cores]
    wrong = [inv(A) + inv(A) @ U @ core @ V @ inv(A) for core in cores]
    hypotheses = {"A": A, "C": C, "S": S}
    core_slip = (C + V @ inv(A) @ U, CORE)
    unit = (eye("n"),)

    def slips(*sides: Expr) -> tuple[tuple[Expr, str], ...]:
        return (*((side, SIGN) for side in sides), core_slip)

    return {
        "verify": Claim(
            hypotheses,
            [(side,) for form in forms for side in (T @ form, form @ T)],
            [unit],
            slips(*(side for form in wrong for side in (T @ form, form @ T))),
        ),
        "derive": Claim({**hypotheses, "T": T}, [(inv(T),)], [(form,) for form in forms], slips(*wrong)),
        "solve": Claim(
            hypotheses,
            [(T @ x, y)],
            [(x, form @ y) for form in forms],
            slips(*(x - form @ y for form in wrong)),
            {"y": T @ x},
        ),
    }


def push_through() -> Theorem:
    """(I + UV)⁻¹ U = U (I + VU)⁻¹, given both inverses."""
    U, V = symbols("U:n,k  V:k,n")
    P, Q = let("P", eye("n") + U @ V), let("Q", eye("k") + V @ U)
    return {"verify": Claim({"P": P, "Q": Q}, [(inv(P) @ U,)], [(U @ inv(Q),)])}


def candidates() -> dict[str, tuple[Expr, Expr]]:
    """Ten pairs of expressions. Which of them are equal for all matrices?"""
    A, B, U, C, V, u, v = symbols("A:n,n  B:n,n  U:n,k  C:k,k  V:k,n  u:n,1  v:1,n")
    rank_one = inv(A) @ u @ inv(eye(1) + v @ inv(A) @ u) @ v @ inv(A)
    damped = inv(A) @ u @ inv(eye(1) - v @ inv(A) @ u) @ v @ inv(A)
    rank_k = inv(A) @ U @ inv(inv(C) + V @ inv(A) @ U) @ V @ inv(A)
    without = inv(A) @ U @ inv(C + V @ inv(A) @ U) @ V @ inv(A)
    return {
        "(1.23), notes": (inv(A + u @ v), inv(A) + rank_one),
        "(1.23), minus": (inv(A + u @ v), inv(A) - rank_one),
        "(1.23), 1 - v A⁻¹ u": (inv(A + u @ v), inv(A) - damped),
        "(1.30), notes": (inv(A + U @ C @ V), inv(A) + rank_k),
        "(1.30), minus": (inv(A + U @ C @ V), inv(A) - rank_k),
        "(1.30), C for C⁻¹": (inv(A + U @ C @ V), inv(A) - without),
        "push-through": (inv(eye("n") + U @ V) @ U, U @ inv(eye("k") + V @ U)),
        "resolvent": (inv(A + B), inv(A) - inv(A) @ B @ inv(A + B)),
        "sum of inverses": (inv(A + B), inv(A) + inv(B)),
        "commuting": (A @ U @ C @ V, U @ C @ V @ A),
    }
