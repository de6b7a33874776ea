// evalues: the evidence of pass/fail units and of bounded values against a threshold; the arithmetic
// of pilotbase.trial.rules.sequential, written a second time for the reader's browser.
const evalues = (() => {
  "use strict";

  const { logFactorial, logChoose, logBinomialCdf, logHypergeometricCdf, times } = tails;
  const MEAN_MIN = 1e-9;
  const TIE = 1e-12;
  const BLOCK = 32;

  /** A product back on the whole number that its decimals mean (0.29 * 100 is 29). */
  function snapped(product) {
    const whole = Math.round(product);
    const noise = 1e-9 + 4 * Number.EPSILON * Math.abs(product);
    return Math.abs(product - whole) <= noise ? whole : product;
  }

  /** The threshold half a grid step aside, so that a tie in a finite population is decided. */
  function halfUnitThreshold(threshold, population, resolution, atLeast) {
    const steps = population * resolution;
    const product = snapped(threshold * steps);
    return (atLeast ? Math.ceil(product) - 0.5 : Math.floor(product) + 0.5) / steps;
  }

  function logRates(s, f, low, high) {
    const beta = logFactorial(s) + logFactorial(f) - logFactorial(s + f + 1);
    const survival = logBinomialCdf(s, s + f + 1, low, high);
    return beta + survival - times(s, low) - (f + 1) * Math.log(high);
  }

  function logCounts(s, f, edge, size) {
    if (s > edge) return Infinity;
    if (f >= size - edge) return -Infinity;
    const draws = s + f + 1;
    const mixture = logChoose(size + 1, draws)
      + logHypergeometricCdf(s, size + 1, edge + 1, draws) - Math.log(size - edge);
    return mixture - logChoose(edge, s) - logChoose(size - edge, f);
  }

  /** log of the e-value that the pass rate lies above (`greater`) or below the threshold, after
   *  `hits` of `n`; mixture over a prior uniform on the alternative's side. `population`: the units
   *  are drawn without replacement from so many; null: independent units. */
  function bernoulli(hits, n, threshold, greater, population) {
    if (n === 0) return 0;
    const [s, f] = greater ? [hits, n - hits] : [n - hits, hits];
    if (population === null) {
      return greater ? logRates(s, f, threshold, 1 - threshold)
        : logRates(s, f, 1 - threshold, threshold);
    }
    const product = snapped(threshold * population);
    const edge = greater ? Math.min(Math.floor(product), population - 1)
      : population - Math.max(Math.ceil(product), 1);
    return logCounts(s, f, edge, population);
  }

  /** Nodes and weights of Gauss-Legendre quadrature on (-1, 1), by Newton's method. */
  function legendre(count) {
    return Array.from({ length: count }, (_, i) => {
      let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
      let slope = 1;
      for (let round = 0; round < 100; round += 1) {
        let [before, value] = [1, x];
        for (let k = 2; k <= count; k += 1) {
          [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
        }
        slope = (count * (x * value - before)) / (x * x - 1);
        x -= value / slope;
        if (Math.abs(value / slope) < 1e-16) break;
      }
      return { x, weight: 2 / ((1 - x * x) * slope * slope) };
    });
  }

  // Stakes uniform on (0, 1); and more weight on small stakes, density 3/4 (1-f)/sqrt(f).
  const UNIFORM = legendre(64).map(({ x, weight }) => ({ f: (x + 1) / 2, mass: weight / 2 }));
  const cautiousMass = legendre(32).map(({ x, weight }) => {
    const root = (x + 1) / 2;
    return { f: root * root, mass: weight * (1 - root * root) };
  });
  const massSum = cautiousMass.reduce((sum, stake) => sum + stake.mass, 0);
  const CAUTIOUS = cautiousMass.map(({ f, mass }) => ({ f, mass: mass / massSum }));

  /** A gambler who holds every stake at once, by its weight. `bet(r)` takes the return of a stake
   *  of one; `log()` is the log of the capital then. Logarithms are taken once a block. */
  function gambler(stakes) {
    const start = Float64Array.from(stakes, ({ mass }) => Math.log(mass));
    const nodes = Float64Array.from(stakes, ({ f }) => f);
    const product = new Float64Array(nodes.length).fill(1);
    const weight = new Float64Array(nodes.length);
    let [peak, bets] = [0, 0];
    function block() {
      for (let j = 0; j < nodes.length; j += 1) start[j] += Math.log(product[j]);
      product.fill(1);
      peak = Math.max(...start);
      for (let j = 0; j < nodes.length; j += 1) weight[j] = Math.exp(start[j] - peak);
    }
    block();
    return {
      bet(r) {
        if (bets > 0 && bets % BLOCK === 0) block();
        for (let j = 0; j < nodes.length; j += 1) product[j] *= 1 + nodes[j] * r;
        bets += 1;
      },
      log() {
        let sum = 0;
        for (let j = 0; j < nodes.length; j += 1) sum += weight[j] * product[j];
        return peak + Math.log(sum);
      },
    };
  }

  /** x/m - 1: the return of a stake of one against the mean m that the null leaves to value t. */
  function returned(x, tau, population, t, sum) {
    const mean = population === null ? tau : (population * tau - sum) / (population - t);
    return x / Math.max(mean, MEAN_MIN) - 1;
  }

  /** Where what was drawn already excludes the null or the alternative, say so. */
  function settled(log, tau, population, drawn, sum) {
    if (population === null) {
      if (tau < 0 || (tau === 0 && sum > 0)) return Infinity;
      return tau >= 1 ? -Infinity : log;
    }
    const slack = TIE * population;
    if (sum > population * tau + slack) return Infinity;
    return sum + population - drawn <= population * tau + slack ? -Infinity : log;
  }

  /** The log e-values that the mean of values in [0, 1] lies above (below) the threshold, one after
   *  each value; with `lastOnly` the last alone. */
  function bounded(values, threshold, greater, population, lastOnly = false) {
    const tau = greater ? threshold : 1 - threshold;
    const bettor = gambler(UNIFORM);
    const path = lastOnly ? [] : new Float64Array(values.length);
    let [sum, log] = [0, settled(0, tau, population, 0, 0)];
    for (let t = 0; t < values.length; t += 1) {
      const x = greater ? values[t] : 1 - values[t];
      bettor.bet(returned(x, tau, population, t, sum));
      sum += x;
      if (!lastOnly || t === values.length - 1) {
        log = settled(bettor.log(), tau, population, t + 1, sum);
      }
      if (!lastOnly) path[t] = log;
    }
    return lastOnly ? log : path;
  }

  return { bernoulli, bounded, gambler, returned, halfUnitThreshold, snapped, CAUTIOUS, TIE };
})();
