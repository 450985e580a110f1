"""Typical wrong answers to "Two-layer backprop: a gas of neurons", each with the hint that names its cause."""

import numpy as np

from autograder.grading import mistake
from solutions.ps01_linear_algebra.backprop import (
    act,
    dact,
    forward,
    grad_batch,
    grad_input,
    grad_single,
    linear_jacobian,
    loss,
    train,
)


@mistake("act", hint="tanh z is 2·sigmoid(2z) − 1: the argument doubles as well.")
def tanh_without_doubling(z, kind):
    return np.tanh(z / 2) if kind == "tanh" else act(z, kind)


@mistake("act", hint="Your relu lets negative z through with their sign turned; relu is 0 there.")
def relu_as_absolute_value(z, kind):
    return np.abs(z) if kind == "relu" else act(z, kind)


@mistake("act", hint="Your relu leaks: below zero it is exactly 0, not a small multiple of z.")
def relu_leaks(z, kind):
    return np.where(z > 0, z, 0.01 * z) if kind == "relu" else act(z, kind)


@mistake("act", hint="Your sigmoid falls with z: it has e⁻ᶻ, not eᶻ, in the denominator.")
def sigmoid_mirrored(z, kind):
    return 0.5 * (1 - np.tanh(z / 2)) if kind == "sigmoid" else act(z, kind)


@mistake("act", hint="Your sigmoid divides infinity by infinity at large z: use the form whose exponential decays.")
def sigmoid_overflows(z, kind):
    return np.exp(z) / (1 + np.exp(z)) if kind == "sigmoid" else act(z, kind)


@mistake("act", hint="Your softplus falls with z: the exponent inside the logarithm is +z.")
def softplus_mirrored(z, kind):
    return np.logaddexp(0.0, -z) if kind == "softplus" else act(z, kind)


@mistake("act", hint="Your softplus is the logarithm of infinity at large z: pull the large part out of it.")
def softplus_overflows(z, kind):
    return np.log(1 + np.exp(z)) if kind == "softplus" else act(z, kind)


@mistake("act", hint="The logarithm of softplus is the natural one.")
def softplus_in_bits(z, kind):
    return np.logaddexp(0.0, z) / np.log(2) if kind == "softplus" else act(z, kind)


@mistake("act", hint="Your relu writes into z itself: with np.where or np.maximum you get a new array.")
def relu_in_place(z, kind):
    if kind == "relu":
        z[z < 0] = 0.0
        return z
    return act(z, kind)


@mistake("dact", hint="h(1 − h) is the derivative of the sigmoid; tanh has 1 − h².")
def logistic_rule_for_tanh(z, kind):
    return act(z, "tanh") * (1 - act(z, "tanh")) if kind == "tanh" else dact(z, kind)


@mistake("dact", hint="The derivative of tanh is one minus its square; your square is missing.")
def tanh_slope_without_square(z, kind):
    return 1 - act(z, "tanh") if kind == "tanh" else dact(z, kind)


@mistake("dact", hint="The chain rule on 1/(1 + e⁻ᶻ) squares the denominator.")
def sigmoid_slope_without_square(z, kind):
    return act(-z, "sigmoid") if kind == "sigmoid" else dact(z, kind)


@mistake("dact", hint="Your sigmoid′ is infinity over infinity at large −z: σ′ is even, so use |z|.")
def sigmoid_slope_overflows(z, kind):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2 if kind == "sigmoid" else dact(z, kind)


@mistake("dact", hint="The slope of softplus rises from 0 to 1 with z; yours falls.")
def softplus_slope_mirrored(z, kind):
    return act(-z, "sigmoid") if kind == "softplus" else dact(z, kind)


@mistake("dact", hint="To the left of its kink relu is flat: the slope there is 0, not −1.")
def relu_slope_is_the_sign(z, kind):
    return np.sign(z) if kind == "relu" else dact(z, kind)


@mistake("dact", hint="At the kink the slope of relu lies between the 0 on its left and the 1 on its right.")
def relu_kink_counted_twice(z, kind):
    return np.where(z > 0, 1.0, 0.0) + 2.0 * (z == 0) if kind == "relu" else dact(z, kind)


@mistake("dact", hint="relu(z)/z is 0/0 at the kink: compare z with 0 instead of dividing by it.")
def relu_slope_by_division(z, kind):
    return np.maximum(z, 0.0) / z if kind == "relu" else dact(z, kind)


@mistake("dact", hint="dact receives the pre-activation z, not h = σ(z): compute h first.")
def takes_z_for_h(z, kind):
    z = np.asarray(z)
    return {"tanh": 1 - z**2, "sigmoid": z * (1 - z)}.get(kind, dact(z, kind))


@mistake("forward", hint="The output is the average of the neurons' contributions, eq. (1.21), not their sum.")
def sum_of_neurons(X, a, b, W, kind):
    return act(X @ W.T + b, kind) @ a


@mistake("forward", hint="The offset b is missing in the argument of σ.")
def no_offset(X, a, b, W, kind):
    return act(X @ W.T, kind) @ a / len(a)


@mistake("forward", hint="The offset b belongs inside σ, next to w·x.")
def offset_outside(X, a, b, W, kind):
    return (act(X @ W.T, kind) + b) @ a / len(a)


@mistake("forward", hint="Each neuron contributes with its charge aᵢ.")
def no_charges(X, a, b, W, kind):
    return act(X @ W.T + b, kind).mean(axis=1)


@mistake("forward", hint="The charge aᵢ multiplies σ from outside; yours is in its argument.")
def charges_inside(X, a, b, W, kind):
    return act((X @ W.T + b) * a, kind).mean(axis=1)


@mistake("forward", hint="Divide by the number of neurons, not by the number of points.")
def divided_by_points(X, a, b, W, kind):
    return act(X @ W.T + b, kind) @ a / len(X)


@mistake("forward", hint="The output layer is linear: σ acts on the hidden layer alone.")
def activated_output(X, a, b, W, kind):
    return act(act(X @ W.T + b, kind) @ a / len(a), kind)


@mistake("forward", hint="`a /= N` divides the caller's charges, and the next call divides them again.")
def charges_divided_in_place(X, a, b, W, kind):
    a /= len(a)
    return act(X @ W.T + b, kind) @ a


@mistake("loss", hint="The loss is the mean of the squares; yours is their sum.")
def summed_squares(y, yhat):
    return float(np.sum((y - yhat) ** 2))


@mistake("loss", hint="There is no ½ in front of the square, eq. (1.20).")
def half_the_square(y, yhat):
    return loss(y, yhat) / 2


@mistake("loss", hint="The residuals are squared, not taken by their absolute value.")
def absolute_residuals(y, yhat):
    return float(np.mean(np.abs(y - yhat)))


@mistake("loss", hint="The loss is the mean square itself, without the root.")
def root_mean_square(y, yhat):
    return loss(y, yhat) ** 0.5


@mistake("loss", hint="Square first, then average: residuals of both signs must not cancel.")
def square_of_the_mean(y, yhat):
    return float(np.mean(y - yhat) ** 2)


@mistake("loss", hint="Every y was compared with every ŷ: shapes (B, 1) and (B,) make a (B, B) table. Flatten both.")
def every_pair(y, yhat):
    return float(np.mean((y[:, None] - yhat) ** 2))


@mistake("loss", hint="The mean divides by B. B − 1 belongs to a variance whose mean was estimated.")
def one_point_less(y, yhat):
    return float(np.sum((y - yhat) ** 2) / (len(y) - 1))


@mistake("loss", hint="`y -= yhat` writes into the caller's y; `y - yhat` makes a new array.")
def residual_in_place(y, yhat):
    y -= yhat
    return float(np.mean(y**2))


@mistake("grad_single", hint="∂(y − ŷ)²/∂ŷ is −2(y − ŷ): you have lost the minus sign of the inner derivative.")
def uphill(x, y, a, b, W, kind):
    gradient = grad_single(x, y, a, b, W, kind)
    return {name: -value for name, value in gradient.items()}


@mistake("grad_single", hint="The derivative of the square brings a factor 2, and no ½ waits for it.")
def square_without_two(x, y, a, b, W, kind):
    gradient = grad_single(x, y, a, b, W, kind)
    return {name: value / 2 for name, value in gradient.items()}


@mistake(
    "grad_single",
    hint="One neuron moves ŷ by 1/N of its own change: that 1/N belongs into all three gradients.",
)
def force_without_mean_field(x, y, a, b, W, kind):
    gradient = grad_single(x, y, a, b, W, kind)
    return {name: len(a) * value for name, value in gradient.items()}


@mistake("grad_single", hint="The residual contains ŷ, which is an average over the neurons; yours holds their sum.")
def residual_of_the_sum(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind)) / len(a)
    return {"a": pull * act(z, kind), "b": pull * a * dact(z, kind), "W": np.outer(pull * a * dact(z, kind), x)}


@mistake("grad_single", hint="W and b act through σ, so their gradients carry σ′(z); yours pass it by.")
def past_the_activation(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    return {"a": pull * act(z, kind), "b": pull * a, "W": np.outer(pull * a, x)}


@mistake("grad_single", hint="Your ∂L/∂W and ∂L/∂b contain σ where the chain rule asks for σ′.")
def height_for_slope(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    return {"a": pull * act(z, kind), "b": pull * a * act(z, kind), "W": np.outer(pull * a * act(z, kind), x)}


@mistake("grad_single", hint="∂L/∂aᵢ contains σ(z) itself: a multiplies it and is not inside, so no σ′ appears.")
def slope_for_height(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    return {"a": pull * dact(z, kind), "b": pull * a * dact(z, kind), "W": np.outer(pull * a * dact(z, kind), x)}


@mistake("grad_single", hint="You evaluate σ′ at σ(z); its argument is z = w·x + b.")
def slope_at_the_height(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    back = pull * a * dact(act(z, kind), kind)
    return {"a": pull * act(z, kind), "b": back, "W": np.outer(back, x)}


@mistake("grad_single", hint="A neuron's w and b move ŷ through its charge: aᵢ is missing in their gradients.")
def charge_forgotten(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    return {"a": pull * act(z, kind), "b": pull * dact(z, kind), "W": np.outer(pull * dact(z, kind), x)}


@mistake("grad_single", hint="∂(w·x)/∂w is x: your ∂L/∂W has no factor x.")
def input_forgotten(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    back = pull * a * dact(z, kind)
    return {"a": pull * act(z, kind), "b": back, "W": np.outer(back, np.ones(len(x)))}


@mistake("grad_single", hint="σ′ needs the whole pre-activation; yours leaves out b.")
def slope_without_offset(x, y, a, b, W, kind):
    z = W @ x + b
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    back = pull * a * dact(W @ x, kind)
    return {"a": pull * act(z, kind), "b": back, "W": np.outer(back, x)}


@mistake("grad_single", hint="Your ∂L/∂W has one column per neuron; W has one row for each. Swap the outer product.")
def outer_product_swapped(x, y, a, b, W, kind):
    gradient = grad_single(x, y, a, b, W, kind)
    return {**gradient, "W": gradient["W"].T}


@mistake("grad_single", hint="Your function changes the b that it was given: `z = b; z += …` is the same array twice.")
def offset_in_place(x, y, a, b, W, kind):
    z = b
    z += W @ x
    pull = -2 * (y - a @ act(z, kind) / len(a)) / len(a)
    return {"a": pull * act(z, kind), "b": pull * a * dact(z, kind), "W": np.outer(pull * a * dact(z, kind), x)}


@mistake("grad_batch", hint="The residual in the gradient is ŷ − y: your sign is turned.")
def sign(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: -value for name, value in gradient.items()}


@mistake("grad_batch", hint="d(r²) = 2r dr: a factor 2 is missing.")
def no_two(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: value / 2 for name, value in gradient.items()}


@mistake("grad_batch", hint="ŷ averages the neurons: each gradient carries a 1/N, and yours does not.")
def no_mean_field(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: len(a) * value for name, value in gradient.items()}


@mistake("grad_batch", hint="The 1/N of eq. (1.21) enters the gradient once; yours has it twice.")
def mean_field_twice(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: value / len(a) for name, value in gradient.items()}


@mistake("grad_batch", hint="The loss is a mean over the batch: divide the sum over the points by B.")
def summed_over_batch(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: len(y) * value for name, value in gradient.items()}


@mistake("grad_batch", hint="Two averages are missing: the 1/N of eq. (1.21), and the mean over the batch.")
def summed_twice(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {name: len(a) * len(y) * value for name, value in gradient.items()}


@mistake("grad_batch", hint="∂L/∂W has one row per neuron, like W; yours is transposed.")
def transposed(X, y, a, b, W, kind):
    gradient = grad_batch(X, y, a, b, W, kind)
    return {**gradient, "W": gradient["W"].T}


@mistake("grad_batch", hint="The chain passes through σ: σ′(z) is missing in ∂L/∂b and ∂L/∂W.")
def no_slope(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * np.ones(Z.shape)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="∂L/∂b and ∂L/∂W need the slope σ′(z) where yours have the value σ(z).")
def value_for_slope(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * act(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="σ′ is taken at the pre-activation Z = XWᵀ + b, not at the activation σ(Z).")
def slope_at_the_value(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * dact(act(Z, kind), kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="σ′ = h(1 − h) holds for the sigmoid alone; dact knows the slopes of tanh and the others.")
def logistic_slope_for_all(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * act(Z, kind) * (1 - act(Z, kind))
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="The charge aᵢ is missing on the way back to b and W.")
def no_charge(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * dact(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="Your σ′ is taken at XWᵀ; the offset b is part of its argument.")
def slope_drops_offset(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * dact(X @ W.T, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="The ŷ inside your residual is the sum over the neurons; it must be their average.")
def output_not_averaged(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - act(Z, kind) @ a) / (len(y) * len(a))
    back = pull[:, None] * a * dact(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="∂L/∂wᵢ is a vector along the inputs: the x_β of each point is missing.")
def no_input(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * (y - forward(X, a, b, W, kind)) / (len(y) * len(a))
    back = pull[:, None] * a * dact(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ np.ones(X.shape)}


@mistake("grad_batch", hint="Average the products, point by point: a product of averages is another number.")
def product_of_means(X, y, a, b, W, kind):
    Z = X @ W.T + b
    pull = -2 * np.mean(y - forward(X, a, b, W, kind)) / len(a)
    back = pull * a * dact(Z, kind).mean(0)
    return {"a": pull * act(Z, kind).mean(0), "b": back, "W": np.outer(back, X.mean(0))}


@mistake("grad_batch", hint="Your residual is an outer subtraction: y (B,) and ŷ (B, 1) make a (B, B) table.")
def outer_subtraction(X, y, a, b, W, kind):
    Z = X @ W.T + b
    table = y - forward(X, a, b, W, kind)[:, None]
    pull = -2 * table.mean(1) / (len(y) * len(a))
    back = pull[:, None] * a * dact(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_batch", hint="`y -= ŷ` changes the data of whoever called you; give the residual an array of its own.")
def in_place(X, y, a, b, W, kind):
    Z = X @ W.T + b
    y -= forward(X, a, b, W, kind)
    pull = -2 * y / (len(y) * len(a))
    back = pull[:, None] * a * dact(Z, kind)
    return {"a": pull @ act(Z, kind), "b": back.sum(0), "W": back.T @ X}


@mistake("grad_input", hint="This is the slope of ŷ. The force has the minus sign; grad_input has not.")
def force_for_slope(X, a, b, W, kind):
    return -grad_input(X, a, b, W, kind)


@mistake("grad_input", hint="ŷ is an average over the neurons, and so is its slope: divide by N.")
def slope_without_mean(X, a, b, W, kind):
    return len(a) * grad_input(X, a, b, W, kind)


@mistake("grad_input", hint="Each neuron pulls in its direction wᵢ with the strength of its charge: aᵢ is missing.")
def slope_without_charge(X, a, b, W, kind):
    return dact(X @ W.T + b, kind) @ W / len(a)


@mistake("grad_input", hint="The way from x to ŷ leads through σ, but the slope σ′ is missing.")
def slope_of_a_linear_net(X, a, b, W, kind):
    return np.ones((len(X), 1)) * (a @ W) / len(a)


@mistake("grad_input", hint="σ(z) stands where its derivative σ′(z) belongs.")
def field_for_slope(X, a, b, W, kind):
    return (act(X @ W.T + b, kind) * a) @ W / len(a)


@mistake("grad_input", hint="Where is b? The slope of σ is taken at w·x + b.")
def slope_ignores_offset(X, a, b, W, kind):
    return (dact(X @ W.T, kind) * a) @ W / len(a)


@mistake("grad_input", hint="Each point has its own slope, one row of the result: do not average over them.")
def averaged_over_points(X, a, b, W, kind):
    return grad_input(X, a, b, W, kind).mean(0)


@mistake("grad_input", hint="One row per point, one column per input, as in X: yours is transposed.")
def columns_for_rows(X, a, b, W, kind):
    return grad_input(X, a, b, W, kind).T


@mistake(
    "linear_jacobian", hint="This is (2.4) as the notes print it. W_ij moves output i alone: J is zero where k ≠ i."
)
def as_in_the_notes(W, b, x):
    return np.ones((len(b), len(b), 1)) * x


@mistake("linear_jacobian", hint="Your array has lost the index k of the output: three indices, J[k, i, j].")
def without_the_output_index(W, b, x):
    return np.ones((len(b), 1)) * x


@mistake("linear_jacobian", hint="These are derivatives by x, which are the weights; the question is about those by W.")
def weights_for_inputs(W, b, x):
    return np.eye(len(b))[:, :, None] * W


@mistake("linear_jacobian", hint="The Kronecker delta is there, but the input x_j is missing.")
def delta_alone(W, b, x):
    return np.eye(len(b))[:, :, None] * np.ones(len(x))


@mistake("linear_jacobian", hint="The order of the indices is k, i, j: the output comes first.")
def output_index_last(W, b, x):
    return np.eye(len(b))[:, None, :] * x[:, None]


@mistake("linear_jacobian", hint="z is linear in W and b is a constant here: no b appears in the derivative.")
def output_in_the_jacobian(W, b, x):
    return np.eye(len(b))[:, :, None] * x + np.eye(len(b))[:, :, None] * b[:, None]


@mistake("linear_vjp", hint="∂L/∂W is laid out like W: row i belongs to g_i, column j to x_j. Yours is transposed.")
def weight_gradient_transposed(g, W, x):
    return np.outer(x, g), 1.0 * g, g @ W


@mistake("linear_vjp", hint="Contract the Jacobian with g: your ∂L/∂W is x_j in every row, without g_i.")
def weight_gradient_without_g(g, W, x):
    return np.ones((len(g), 1)) * x, 1.0 * g, g @ W


@mistake("linear_vjp", hint="∂z_k/∂b_i = δ_ki: contracted with g it gives g_i, not 1.")
def unit_offset_gradient(g, W, x):
    return np.outer(g, x), np.ones(len(g)), g @ W


@mistake("linear_vjp", hint="Each b_i moves its own z_i only: ∂L/∂b has n entries, not their sum.")
def offset_gradient_summed(g, W, x):
    return np.outer(g, x), g.sum(), g @ W


@mistake("linear_vjp", hint="∂L/∂x weighs each row of W with g_k before the sum over k; yours sums bare rows.")
def input_gradient_without_g(g, W, x):
    return np.outer(g, x), 1.0 * g, W.sum(0)


@mistake("linear_vjp", hint="x does not appear in ∂L/∂x: z is linear in it.")
def input_gradient_with_x(g, W, x):
    return np.outer(g, x), 1.0 * g, (g @ W) * x


@mistake("linear_vjp", hint="The three gradients come in the order W, b, x; yours start with x.")
def other_order(g, W, x):
    return g @ W, 1.0 * g, np.outer(g, x)


@mistake("linear_vjp", hint="Your function forms the Jacobian, which large layers have no room for: contract first.")
def through_the_jacobian(g, W, x):
    J = linear_jacobian(W, np.zeros(len(g)), x)
    return [np.tensordot(g, J, 1), np.eye(len(g)) @ g, W.T @ g]


@mistake("gradcheck", hint="Divide by the scale of the gradients: an absolute error passes any small gradient.")
def absolute_error(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    return float(np.max(np.abs(grad(theta) - n)))


@mistake("gradcheck", hint="A floor of 1 under the scale makes the error absolute again once the gradients are small.")
def scale_with_a_floor(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    return float(np.max(np.abs(grad(theta) - n)) / max(1.0, np.max(np.abs([grad(theta), n]))))


@mistake("gradcheck", hint="Your difference is one-sided, off by ½hf″: take f(θ + h eᵢ) − f(θ − h eᵢ) over 2h.")
def one_sided(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta)) / h for s in e])
    return float(np.max(np.abs(grad(theta) - n)) / np.max(np.abs([grad(theta), n])))


@mistake("gradcheck", hint="From θ − h eᵢ to θ + h eᵢ the distance is 2h; you divide by h.")
def divided_by_h(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / h for s in e])
    return float(np.max(np.abs(grad(theta) - n)) / np.max(np.abs([grad(theta), n])))


@mistake("gradcheck", hint="Only the first component is compared: go through all of them.")
def first_component_only(f, grad, theta, h=1e-5):
    s = h * np.eye(len(theta))[0]
    n = (f(theta + s) - f(theta - s)) / (2 * h)
    return float(np.abs(grad(theta)[0] - n) / np.max(np.abs([grad(theta)[0], n])))


@mistake("gradcheck", hint="All components step together, which tests one direction: step along one axis at a time.")
def all_at_once(f, grad, theta, h=1e-5):
    n = (f(theta + h) - f(theta - h)) / (2 * h)
    g = np.sum(grad(theta))
    return float(np.abs(g - n) / np.max(np.abs([g, n])))


@mistake("gradcheck", hint="The mean over the components dilutes a single wrong one: take the largest difference.")
def mean_error(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    return float(np.mean(np.abs(grad(theta) - n)) / np.max(np.abs([grad(theta), n])))


@mistake("gradcheck", hint="Take absolute values before the maximum: a negative difference is a difference.")
def signed_maximum(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    return float(np.max(grad(theta) - n) / np.max(np.abs([grad(theta), n])))


@mistake("gradcheck", hint="Two gradients of one length can point anywhere: compare components, not norms.")
def compares_lengths(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    lengths = np.linalg.norm(grad(theta)), np.linalg.norm(n)
    return float(abs(lengths[0] - lengths[1]) / max(lengths))


@mistake(
    "gradcheck",
    hint="One scale serves all components; with a scale for each, pure noise can count fully.",
)
def scale_of_each_component(f, grad, theta, h=1e-5):
    e = h * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / (2 * h) for s in e])
    return float(np.max(np.abs(grad(theta) - n) / np.maximum(np.maximum(np.abs(grad(theta)), np.abs(n)), 1e-300)))


@mistake("gradcheck", hint="The step is the h that was asked for; yours is fixed.")
def step_of_its_own(f, grad, theta, h=1e-5):
    e = 1e-5 * np.eye(len(theta))
    n = np.array([(f(theta + s) - f(theta - s)) / 2e-5 for s in e])
    return float(np.max(np.abs(grad(theta) - n)) / np.max(np.abs([grad(theta), n])))


@mistake("gradcheck", hint="You step theta itself and do not step back: work on a copy.")
def leaves_theta_shifted(f, grad, theta, h=1e-5):
    g, n = grad(theta.copy()), np.zeros(len(theta))
    for i in range(len(theta)):
        theta[i] += h
        above = f(theta.copy())
        theta[i] -= 2 * h
        n[i] = (above - f(theta.copy())) / (2 * h)
    return float(np.max(np.abs(g - n)) / np.max(np.abs([g, n])))


@mistake("train", hint="The step is lr·N·gradient; without N a neuron slows down as the gas grows.")
def bare_learning_rate(X, y, params, lr, steps):
    return train(X, y, params, lr / len(params["a"]), steps)


@mistake("train", hint="The gradient points uphill: subtract it.")
def ascent(X, y, params, lr, steps):
    return train(X, y, params, -lr, steps)


@mistake("train", hint="You make one step more than `steps`: count the turns of your loop.")
def one_step_more(X, y, params, lr, steps):
    return train(X, y, params, lr, steps + 1)


@mistake("train", hint="Your loop ends one step early: it must turn exactly `steps` times.")
def one_step_less(X, y, params, lr, steps):
    return train(X, y, params, lr, max(steps - 1, 0))


@mistake("train", hint="Each step uses all the points; yours takes one point at a time.")
def one_point_at_a_time(X, y, params, lr, steps):
    for t in range(steps):
        i = t % len(y)
        g = grad_single(X[i], y[i], params["a"], params["b"], params["W"], "tanh")
        params = {name: params[name] - lr * len(params["a"]) * g[name] for name in params}
    return {name: np.array(value) for name, value in params.items()}


@mistake("train", hint="All parameters move at once: take one gradient, then update a, b and W from it.")
def one_parameter_after_the_other(X, y, params, lr, steps):
    p = {name: np.array(value) for name, value in params.items()}
    for _ in range(steps):
        for name in ("a", "b", "W"):
            p[name] -= lr * len(p["a"]) * grad_batch(X, y, p["a"], p["b"], p["W"], "tanh")[name]
    return p


@mistake("train", hint="The gradient is computed once and used for ever: compute it anew after each step.")
def stale_gradient(X, y, params, lr, steps):
    g = grad_batch(X, y, params["a"], params["b"], params["W"], "tanh")
    return {name: params[name] - steps * lr * len(params["a"]) * g[name] for name in params}


@mistake("train", hint="The offsets b are parameters too: they must move.")
def frozen_offsets(X, y, params, lr, steps):
    for _ in range(steps):
        g = grad_batch(X, y, params["a"], params["b"], params["W"], "tanh")
        params = {name: params[name] - (name != "b") * lr * len(params["a"]) * g[name] for name in params}
    return {name: np.array(value) for name, value in params.items()}


@mistake("train", hint="Only the output layer learns here: W and b have gradients as well.")
def frozen_features(X, y, params, lr, steps):
    for _ in range(steps):
        g = grad_batch(X, y, params["a"], params["b"], params["W"], "tanh")
        params = {name: params[name] - (name == "a") * lr * len(params["a"]) * g[name] for name in params}
    return {name: np.array(value) for name, value in params.items()}


@mistake("train", hint="N is the number of neurons, the length of a; you multiply by the number of points.")
def points_for_neurons(X, y, params, lr, steps):
    return train(X, y, params, lr * len(y) / len(params["a"]), steps)


@mistake("train", hint="The neurons of this part are tanh.")
def relu_neurons(X, y, params, lr, steps):
    for _ in range(steps):
        g = grad_batch(X, y, params["a"], params["b"], params["W"], "relu")
        params = {name: params[name] - lr * len(params["a"]) * g[name] for name in params}
    return {name: np.array(value) for name, value in params.items()}


@mistake("train", hint="`params[name] -= …` moves the caller's arrays: copy each array before the first step.")
def starting_point_overwritten(X, y, params, lr, steps):
    p = dict(params)
    for _ in range(steps):
        g = grad_batch(X, y, p["a"], p["b"], p["W"], "tanh")
        for name in p:
            p[name] -= lr * len(p["a"]) * g[name]
    return p
