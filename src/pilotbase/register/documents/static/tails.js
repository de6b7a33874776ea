// tails: logarithms of binomial and hypergeometric tails, accurate where the tails underflow; the
// arithmetic of pilotbase.trial.rules.sequential.tails, written a second time.
const tails = (() => {
  "use strict";

  const NEGLIGIBLE = 1e-17;

  /** log of the gamma function for x > 0: Stirling's series, after a shift to x >= 20. */
  function logGamma(x) {
    let shift = 0;
    let y = x;
    for (; y < 20; y += 1) shift += Math.log(y);
    const r = 1 / y;
    const r2 = r * r;
    const series =
      r * (1 / 12 - r2 * (1 / 360 - r2 * (1 / 1260 - r2 * (1 / 1680 - r2 / 1188))));
    return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
  }

  // Factorials of counts are needed again and again; the table grows as far as it is used.
  const factorials = [0];
  function logFactorial(n) {
    for (let k = factorials.length; k <= n; k += 1) {
      factorials.push(k < 200 ? factorials[k - 1] + Math.log(k) : logGamma(k + 1));
    }
    return factorials[n];
  }

  /** log of the binomial coefficient; -Infinity where k < 0 or k > n. */
  const logChoose = (n, k) =>
    k < 0 || k > n ? -Infinity : logFactorial(n) - logFactorial(k) - logFactorial(n - k);

  const times = (count, logOf) => (count === 0 ? 0 : count * Math.log(logOf));

  /** 1 + r(x) + r(x) r(x-1) + …, with r(x) = pmf(x-1) / pmf(x): the lower tail over pmf(x). */
  function descendingSum(x, ratio) {
    let total = 1;
    let term = 1;
    for (let at = x; term > NEGLIGIBLE * total; at -= 1) {
      term *= ratio(at);
      total += term;
    }
    return total;
  }

  const log1mexp = (a) => (a > -0.7 ? Math.log(-Math.expm1(a)) : Math.log1p(-Math.exp(a)));

  /** log P(X <= x) for X ~ Binomial(draws, p), with q = 1 - p. */
  function logBinomialCdf(x, draws, p, q) {
    if (x >= draws) return 0;
    if (x < 0) return -Infinity;
    const below = x <= (draws + 1) * p;
    const [k, a, b] = below ? [x, p, q] : [draws - x - 1, q, p];
    const pmf = logChoose(draws, k) + times(k, a) + times(draws - k, b);
    const tail = pmf + Math.log(descendingSum(k, (at) => (at * b) / ((draws - at + 1) * a)));
    return below ? tail : log1mexp(tail);
  }

  /** log P(X <= x), X = marked units among `draws` of `total` without replacement. */
  function logHypergeometricCdf(x, total, marked, draws) {
    if (x >= Math.min(marked, draws)) return 0;
    if (x < Math.max(0, draws - (total - marked))) return -Infinity;
    const below = x <= Math.floor(((draws + 1) * (marked + 1)) / (total + 2));
    const [k, m] = below ? [x, marked] : [draws - x - 1, total - marked];
    const pmf = logChoose(m, k) + logChoose(total - m, draws - k) - logChoose(total, draws);
    const ratio = (at) =>
      Math.max((at * (total - m - draws + at)) / ((m - at + 1) * (draws - at + 1)), 0);
    const tail = pmf + Math.log(descendingSum(k, ratio));
    return below ? tail : log1mexp(tail);
  }

  return { logFactorial, logChoose, logBinomialCdf, logHypergeometricCdf, times };
})();
