// differences: the evidence about mean_a - ratio * mean_b of two groups against a margin; the
// arithmetic of pilotbase.trial.rules.sequential.difference, written a second time.
const differences = (() => {
  "use strict";

  const { gambler, returned, CAUTIOUS, TIE } = evalues;
  const SHRINKINGS = 44;
  const GOLDEN = (Math.sqrt(5) - 1) / 2;

  /** Values of one group, with the smallest and largest mean that they leave possible. */
  function group(values, population) {
    if (population === null) return { values, population, low: 0, high: 1 };
    const sum = values.reduce((total, v) => total + v, 0);
    return {
      values, population, low: sum / population,
      high: 1 - (values.length - sum) / population,
    };
  }
  const mirrored = ({ values, population, low, high }) => (
    { values: values.map((v) => 1 - v), population, low: 1 - high, high: 1 - low });

  /** log capital against "the mean is at most `mean`"; it falls as `mean` grows. */
  function logCapitalAbove({ values, population }, mean) {
    if (values.length === 0) return 0;
    const bettor = gambler(CAUTIOUS);
    let sum = 0;
    values.forEach((x, t) => {
      bettor.bet(returned(x, mean, population, t, sum));
      sum += x;
    });
    return bettor.log();
  }

  /** A short interval that holds the minimiser of a convex function, by golden sections. */
  function minimiser(convex, from, to) {
    let [low, high] = [from, to];
    let [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    let [atA, atB] = [convex(a), convex(b)];
    for (let step = 0; step < SHRINKINGS; step += 1) {
      if (atA <= atB) {
        [high, b, atB] = [b, a, atA];
        a = high - GOLDEN * (high - low);
        atA = convex(a);
      } else {
        [low, a, atA] = [a, b, atB];
        b = low + GOLDEN * (high - low);
        atB = convex(b);
      }
    }
    return [low, high];
  }

  function logAbove(a, b, margin, ratio) {
    if (a.high - ratio * b.low <= margin + TIE) return -Infinity;
    const left = Math.max(b.low, (a.low - margin) / ratio);
    const right = b.high;
    if (left > right + TIE) return Infinity;
    const other = mirrored(b);
    const logA = (q) => logCapitalAbove(a, Math.min(margin + ratio * q, a.high));
    const logB = (q) => logCapitalAbove(other, 1 - q);
    const [low, high] = minimiser((q) => logA(q) + logB(q), left, Math.max(left, right));
    return logA(high) + logB(low);
  }

  /** log of the e-value that mean_a - ratio * mean_b lies above (`greater`) or below the margin. */
  function logEvalue(xA, xB, margin, greater, [sizeA, sizeB], ratio) {
    const [a, b] = [group(xA, sizeA), group(xB, sizeB)];
    if (greater) return logAbove(a, b, margin, ratio);
    return logAbove(mirrored(a), mirrored(b), 1 - ratio - margin, ratio);
  }

  return { logEvalue };
})();
