"""Tolerance classes: how far an answer may be from the reference, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """|answer - reference| <= atol * max|reference| + rtol * |reference|, entry by entry; `reason` is shown."""

    rtol: float
    atol: float
    reason: str

    def __str__(self) -> str:
        absolute = f" and {self.atol:.3g} of the largest" if self.atol else ""
        return f"{self.rtol:.3g} of each entry{absolute}"


# Loops, einsum and autograd agree to 1e-15 in float64, and a wrong scalar factor differs by 24 % or more: 1e-9 is far
# from both. The atol, relative to the largest entry, lets entries through that vanish by cancellation.
ALGEBRA = Tolerance(1e-9, 1e-12, "double precision algebra agrees to about 1e-15 in any order of operations")

# Single precision answers to the same problems were off by 1.7e-7 to 6.1e-7.
FLOAT32 = Tolerance(1e-4, 1e-6, "single precision carries about seven digits")

# A central difference with step 1e-6 was off by 3.6e-7 on 128 neurons in 20 dimensions.
DIFFERENCE = Tolerance(1e-5, 1e-7, "a finite difference carries about seven digits at its best step")


def conditioned(kappa: float) -> Tolerance:
    """Class K: a stable method may lose the digits that the condition number `kappa` costs, times a thousand."""
    unit_roundoff = 2.0**-53
    rtol = 1e3 * kappa * unit_roundoff
    return Tolerance(rtol, rtol, f"a stable method keeps a relative error near {kappa:.1e} × 1e-16 here")
