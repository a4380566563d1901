"""Texts that between them use every rule of the notation, with data to try them at.

A case is a text, the sizes that the data do not give, and how to make the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import System


@dataclass(frozen=True)
class Case:
    """`shapes` are those of the declared tensors; class numbers and special arrays are `given`."""

    name: str
    text: str
    shapes: Mapping[str, tuple[int, ...]]
    given: Mapping[str, object] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def system(self) -> System:
        return parse(self.text)

    @cached_property
    def all_sizes(self) -> dict[str, int]:
        shapes = {n: a.shape for n, a in self.arrays.items()}
        return infer_sizes(self.system, self.sizes, shapes)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(len(self.name))
        drawn = {n: rng.normal(size=shape) for n, shape in self.shapes.items()}
        return drawn | {n: np.asarray(a) for n, a in self.given.items()}


def case(
    name: str,
    text: str,
    shapes: Mapping[str, tuple[int, ...]],
    given: Mapping[str, object] | None = None,
    **sizes: int,
) -> Case:
    return Case(name, text, shapes, given or {}, sizes)


CASES = {
    c.name: c
    for c in (
        case(
            "a scatter to where a number says",
            """
            given x[j], d[u]
            z[u] = sum[j | u == argmax[v]([j > 5] * d[v])](x[j])
            """,
            {"x": (3,), "d": (2,)},
            v=2,
        ),
        case(
            "dense",
            """
            given x[n,i]
            param w[i,j] ~ he, b[j] ~ zeros
            z[n,j] = sum[i](x[n,i] * w[i,j]) + b[j]
            a[n,j] = tanh(z[n,j])
            J = mean[n](sum[j](a[n,j]**2) / 2)
            """,
            {"x": (5, 4), "w": (4, 3), "b": (3,)},
        ),
        case(
            "every elementwise function",
            """
            given x[n], y[n]
            e[n] = exp(x[n]) + log(abs(x[n])) + sqrt(abs(x[n])) + sin(x[n]) * cos(y[n])
            f[n] = tanh(x[n]) - sigmoid(y[n]) + erf(x[n]) * expm1(y[n]) + softplus(x[n])
            g[n] = max(x[n], y[n]) * min(x[n], 2 * y[n]) + relu(x[n]) + leaky_relu(y[n])
            h[n] = elu(x[n]) + gelu(y[n]) + silu(x[n])
            """,
            {"x": (9,), "y": (9,)},
        ),
        case(
            "powers",
            """
            given x[n], p[n]
            a[n] = x[n]**2 - x[n]**3 + x[n]**-1 + x[n]**-2 + x[n]**5 + x[n]**-3
            b[n] = abs(x[n])**0.5 + abs(x[n])**(1/3) + abs(x[n])**p[n] + 2**x[n] + x[n]**p[0]
            c[n] = x[n]**n / (1 + n)
            """,
            {"x": (6,)},
            {"p": [0.0, 1.0, -1.5, 2.0, 0.5, 3.0]},
        ),
        case(
            "a convolution with padding, stride and dilation",
            """
            given x[n,c,u,v]
            size p = 4, q = 3
            param w[o,c,r,s] ~ he
            y[n,o,p,q] = sum[c,r,s](x[n, c, pad(2*p + r - 1), pad(q + 2*s - 3)] * w[o,c,r,s])
            """,
            {"x": (2, 2, 7, 5), "w": (3, 2, 3, 3)},
        ),
        case(
            "its derivatives as a lecturer writes them",
            """
            given x[n,c,u], d[n,o,p]
            param w[o,c,r] ~ he
            dw[o,c,r] = sum[n,p](d[n,o,p] * x[n, c, 2*p + r])
            dx[n,c,a] = sum[o,p,r | 2*p + r == a](d[n,o,p] * w[o,c,r])
            size a = size(u)
            ds[n,c,a] = sum[o,r](d[n, o, pad(a - r)] * w[o,c,r])
            dp[n,c,a] = sum[o,r | 0 <= a - r and a - r < size(p)](d[n, o, pad(a - r)] * w[o,c,r])
            """,
            {"x": (2, 2, 8), "d": (2, 3, 3), "w": (3, 2, 3)},
        ),
        case(
            "two conditions that share no index, and two that do",
            """
            given d[n,p,q], e[m]
            size a = 7, b = 5, c = 2, f = 3, r = 3, s = 2, l = 4
            y[n,a,b] = sum[p,q,r,s | 2*p + r == a and q + s == b](d[n,p,q] * (r + 1) * (s + 2))
            z[l,c,f] = sum[m | m // 3 == c and m % 3 == f](e[m] * (1 + l))
            """,
            {"d": (2, 3, 4), "e": (6,)},
        ),
        case(
            "pooling",
            """
            given x[n,u]
            size p = 3, r = 2
            biggest[n,p] = max[r](x[n, 2*p + r])
            average[n,p] = mean[r](x[n, 2*p + r])
            which[n,p]   = argmax[r](x[n, 2*p + r])
            picked[n,p]  = x[n, 2*p + which[n,p]]
            """,
            {"x": (3, 6)},
        ),
        case(
            "flattening",
            """
            given x[n,c,u,v]
            size m = size(c) * size(u) * size(v)
            y[n,m] = x[n, m // (size(u)*size(v)), m // size(v) % size(u), m % size(v)]
            z[n,c,u,v] = y[n, (c*size(u) + u)*size(v) + v]
            """,
            {"x": (2, 3, 2, 4)},
        ),
        case(
            "an embedding and what its lookups send back",
            """
            given word[n,t] in v, d[n,t,e]
            param table[v,e] ~ normal(0, 1)
            seen[n,t,e] = table[word[n,t], e]
            back[v,e] = sum[n,t | word[n,t] == v](d[n,t,e])
            some[n,v] = sum[t | word[n,t] == v](d[n,t,1])
            count[v] = sum[n,t]([word[n,t] == v])
            scaled[v,e] = sum[n,t | word[n,t] == v](d[n,t,e] * table[v,e])
            """,
            {"d": (3, 4, 2), "table": (6, 2)},
            {"word": [[0, 1, 1, 5], [2, 2, 2, 2], [4, 0, 1, 4]]},
        ),
        case(
            "concatenation, shifting and turning around",
            """
            given a[n,i], b[n,j]
            size k = size(i) + size(j), u = 9
            both[n,k] = a[n, pad(k)] + b[n, pad(k - size(i))]
            back[n,k] = both[n, size(k) - 1 - k]
            far[n,u] = a[n, pad(u - 6)] + b[n, pad(2*u - 7)] + a[n, pad(u + 20)]
            """,
            {"a": (2, 3), "b": (2, 4)},
        ),
        case(
            "layer norm",
            """
            given x[n,d]
            param g[d] ~ ones, b[d] ~ zeros
            mu[n] = mean[d](x[n,d])
            var[n] = mean[d]((x[n,d] - mu[n])**2)
            y[n,d] = g[d] * (x[n,d] - mu[n]) / sqrt(var[n] + 1e-5) + b[d]
            """,
            {"x": (4, 5), "g": (5,), "b": (5,)},
        ),
        case(
            "causal attention",
            """
            given q[n,h,t,e], k[n,h,t,e], v[n,h,t,e]
            size u = size(t)
            score[n,h,t,u] = sum[e](q[n,h,t,e] * k[n,h,u,e]) / sqrt(size(e))
            share[n,h,t,u] = softmax[u | u <= t](score[n,h,t,u])
            y[n,h,t,e] = sum[u](share[n,h,t,u] * v[n,h,u,e])
            masked[n,h,t,e] = sum[u | u <= t](score[n,h,t,u] * v[n,h,u,e])
            total[n,h,t] = logsumexp[u | u <= t](score[n,h,t,u])
            top[n,h,t] = max[u | u <= t](score[n,h,t,u]) + argmax[u | u <= t](score[n,h,t,u])
            part[n,h,t] = mean[u | u <= t](score[n,h,t,u])
            """,
            {"q": (2, 2, 4, 3), "k": (2, 2, 4, 3), "v": (2, 2, 4, 3)},
        ),
        case(
            "an LSTM",
            """
            given x[n,t,d]
            size l = size(j)
            param w[d,j] ~ he, u[l,j] ~ he, wf[d,j] ~ he, uf[l,j] ~ he
            f[t,n,j] = sigmoid(sum[d](x[n,t,d] * wf[d,j]) + sum[l](h[t-1,n,l] * uf[l,j]))
            c[t,n,j] = f[t,n,j] * c[t-1,n,j] + (1 - f[t,n,j]) * g[t,n,j]
            g[t,n,j] = tanh(sum[d](x[n,t,d] * w[d,j]) + sum[l](h[t-1,n,l] * u[l,j]))
            h[t,n,j] = tanh(c[t,n,j])
            c[-1,n,j] = 0
            h[-1,n,j] = x[n,0,0] + j
            y[n,j] = h[size(t)-1, n, j]
            """,
            {"x": (2, 4, 3), "w": (3, 2), "u": (2, 2), "wf": (3, 2), "uf": (2, 2)},
        ),
        case(
            "a recurrence that runs backwards from its end",
            """
            given x[t,n]
            h[t,n] = x[t,n] + h[t+1,n] / 2
            h[size(t),n] = n
            """,
            {"x": (5, 2)},
        ),
        case(
            "starts at both ends",
            """
            given x[t]
            s[t] = s[t-1] + x[t]
            s[-1] = 10
            s[size(t)] = -1
            y[t] = s[t+1] - s[t-1]
            z = sum[t | 0 <= t - 1](s[pad(t-1)] * x[t]) + sum[t | t + 1 < size(t)](s[pad(t+1)])
            """,
            {"x": (5,)},
        ),
        case(
            "a lag of two",
            """
            given x[t]
            f[t] = f[t-1] + f[t-2] + x[t]
            f[-1] = 1
            f[-2] = f[-1] + 2
            """,
            {"x": (6,)},
        ),
        case(
            "a recurrence without starts",
            """
            given x[t,n]
            h[t,n] = h[pad(t-1), n] * 0.5 + h[pad(t-2), n] + x[t,n]
            """,
            {"x": (6, 2)},
        ),
        case(
            "what a loop does not need it does not wait for",
            """
            given x[t,i], y[i]
            param w[i,j] ~ he
            h[t,j] = h[pad(t-1), j] * sum[i](y[i] * w[i,j]) + max[i](x[t,i]) + p[t,j]
            p[t,j] = softmax[j](w[2,j]) * h[pad(t-1), j] + sum[i]([i <= t] * x[t,i])
            """,
            {"x": (12, 3), "y": (3,), "w": (3, 2)},
        ),
        case(
            "brackets, conditions and indices as values",
            """
            given x[n,i]
            a[n] = sum[i | i % 2 == 0 or x[n,i] > 0](x[n,i] * (1 + i))
            b[n,i] = [i <= n] * x[n,i] + [not (i == 1)] * 3 - [n == i and x[n,i] < 1]
            c[i] = 1 / (1 + i) + size(n) / size(i) + (i - 1)**2
            d[n] = sum[i](2 * i) + sum[i](x[n,0]) + sum[i](1)
            e = sum[n,i | n != i]([n < i] * x[n,i])
            f[n] = logsumexp[i,n2](x[n,i]) + max[i,n2](x[n,i]) + argmax[n2,i](x[n,i])
            g[n,n2,i] = softmax[i,n2](x[n,0])
            size n2 = size(n)
            m[n] = mean[i | i > 0](x[n,i]) + max[i | i > 0](x[n,i])
            o[n] = argmax[i | i > 1](x[n,i])
            p = argmax[n,i](x[n,i])
            w[n,i] = where(x[n,i] > 0 and i > 0, x[n,i], i)
            """,
            {"x": (3, 4)},
        ),
        case(
            "sums of terms over different indices",
            """
            given x[n,i], w[i,j], b[j], y[p]
            a[n,j] = sum[i](x[n,i] * w[i,j] + b[j] - 2)
            c[n] = sum[i,j]((x[n,i] + b[j]) * w[i,j])
            d = sum[n,i,j]((x[n,i] - b[j]) * (w[i,j] + 1) * 0.5)
            e[j] = sum[n](sum[i](x[n,i] * w[i,j])**2)
            f[n,j] = sum[i](x[n,i] * w[i,j] * sum[m](w[i,m] * b[m]))
            g[j] = sum[p]([p == j] * y[p] + exp(y[p]) * b[j])
            h[k] = sum[n | n == k](x[n,1])
            size m = size(j), k = 5
            """,
            {"x": (3, 4), "w": (4, 2), "b": (2,), "y": (20,)},
        ),
        case(
            "one tensor read in many ways",
            """
            given x[i,j], z[j]
            diagonal[i] = x[i,i]
            turned[i,j] = x[j,i]
            square[i,j] = sum[k](x[i,k] * x[k,j])
            size k = size(i)
            trace = sum[i](x[i,i])
            corner = x[0,2] + x[size(i)-1, 0]
            outer[i,j] = z[i] * z[j]
            hankel[i,j] = z[(i + j) // 2]
            """,
            {"x": (3, 3), "z": (3,)},
        ),
        case(
            "ties",
            """
            given x[i,j]
            first = argmax[i,j](x[i,j])
            row[i] = argmax[j](x[i,j])
            last[j] = argmax[i](-x[i,j])
            turned = argmax[j,i](x[i,j])
            """,
            {},
            {"x": [[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [3.0, 3.0, 1.0]]},
        ),
        case(
            "extreme numbers",
            """
            given x[n]
            a[n] = softmax[n](x[n])
            b = logsumexp[n](x[n])
            c[n] = softplus(x[n]) + sigmoid(x[n])
            d[n] = 0 * x[n] + softplus(-x[n])
            """,
            {},
            {"x": [-800.0, 800.0, 0.0, 799.0, -1e4]},
        ),
        case(
            "infinity and NaN, where they count and where they do not",
            """
            given x[n], y[n], z[n,m]
            a[n] = [n > 2] * x[n] + where(n > 2, y[n], 1 / (x[n] - x[n]))
            b = sum[n | n > 2](x[n] * y[n])
            c[m] = sum[n]([n > m] * x[n] * y[n])
            d[m] = sum[n | n > m](x[n])
            e = max[n](y[n]) + logsumexp[n | n > 2](x[n])
            f[m] = [m > 2] * sum[n](x[n])
            g[m] = sum[n | m + n == 6](x[n] * y[n])
            h[m] = sum[n]([n > 2] * x[n] * z[n,m])
            j = argmax[n | n == 2](x[n])
            i[m] = sum[n | n > 2](z[n,m] * x[n] * 2 + z[m,n] * [n > m] * y[m])
            size m = size(n)
            """,
            {"z": (6, 6)},
            {
                "x": [np.inf, np.nan, -np.inf, 2.0, 3.0, -1.0],
                "y": [np.nan, 1.0, np.inf, 1.0, -1.0, 4.0],
            },
        ),
        case(
            "an empty condition",
            """
            given x[n]
            a = sum[n | n > 10](x[n])
            b = max[n | n > 10](x[n])
            c = logsumexp[n | n > 10](x[n])
            d[n] = softmax[n | n > 10](x[n])
            """,
            {"x": (3,)},
        ),
        case(
            "updates",
            """
            given x[n]
            batch n
            setting rate = 0.5
            param w ~ zeros
            state v ~ zeros, c[i] ~ zeros
            size i = 2
            J = mean[n]((w - x[n])**2)
            g = 2 * mean[n](w - x[n])
            v <- 0.9 * v + g
            w <- w - rate * (0.9 * v + g)
            c[i] <- c[i] + i
            minimize J
            """,
            {"x": (4,), "w": (), "v": (), "c": (2,)},
        ),
    )
}
