// systems: made-up systems of known quality, to try a way of deciding on; random numbers with a
// stated seed, so that everyone gets the same answer.
const systems = (() => {
  "use strict";

  /** Uniform numbers in [0, 1) from a 32-bit seed: a Weyl sequence, mixed. */
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
    };
  }

  /** Pass/fail answers of a system with this rate: drawn from a finite set, or independent. */
  function passFail(rate, count, population, random) {
    if (population === null) {
      return Float64Array.from({ length: count }, () => (random() < rate ? 1 : 0));
    }
    let passing = Math.round(rate * population);
    const values = new Float64Array(count);
    for (let t = 0; t < count; t += 1) {
      values[t] = random() * (population - t) < passing ? 1 : 0;
      passing -= values[t];
    }
    return values;
  }

  // Plain loops: these run millions of times while the reader waits.
  function meanOf(values) {
    let sum = 0;
    for (let i = 0; i < values.length; i += 1) sum += values[i];
    return sum / values.length;
  }

  /** The values moved in place to another mean without leaving [0, 1]: drawn towards 0 or 1. */
  function move(values, mean) {
    const now = meanOf(values);
    const [by, towards] = mean <= now ? [mean / now, 0] : [(1 - mean) / (1 - now), 1];
    for (let i = 0; i < values.length; i += 1) values[i] = towards + (values[i] - towards) * by;
    return values;
  }

  /** Answers like those seen, of a system with this mean: drawn from a finite set that has exactly
   *  this mean, or independent with this expectation. */
  function bounded(seen, mean, count, population, random) {
    const from = population === null ? move(Float64Array.from(seen), mean) : seen;
    const values = new Float64Array(population ?? count);
    for (let i = 0; i < values.length; i += 1) {
      values[i] = from[Math.floor(random() * from.length)];
    }
    return population === null ? values : move(values, mean).subarray(0, count);
  }

  return { generator, passFail, bounded, meanOf };
})();
