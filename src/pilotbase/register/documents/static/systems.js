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

  function shuffle(values, random, first) {
    for (let i = 0; i < first; i += 1) {
      const j = i + Math.floor(random() * (values.length - i));
      [values[i], values[j]] = [values[j], values[i]];
    }
    return values;
  }

  /** Pass/fail answers of a system with this rate: drawn from a finite set, or independent. */
  function passFail(rate, count, population, random) {
    if (population === null) {
      return Float64Array.from({ length: count }, () => (random() < rate ? 1 : 0));
    }
    let passing = Math.round(rate * population);
    return Float64Array.from({ length: count }, (_, t) => {
      const passes = random() * (population - t) < passing;
      passing -= passes ? 1 : 0;
      return passes ? 1 : 0;
    });
  }

  const meanOf = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

  /** The values moved to another mean without leaving [0, 1]: drawn towards 0, or towards 1. */
  function moved(values, mean) {
    const now = meanOf(values);
    if (mean <= now) return values.map((v) => (v * mean) / now);
    return values.map((v) => 1 - ((1 - v) * (1 - mean)) / (1 - now));
  }

  /** Answers like those seen, of a system with this mean. */
  function bounded(seen, mean, count, population, random) {
    const pick = () => seen[Math.floor(random() * seen.length)];
    if (population === null) {
      const like = moved(seen, mean);
      return Float64Array.from({ length: count }, () => like[Math.floor(random() * like.length)]);
    }
    const all = moved(Float64Array.from({ length: population }, pick), mean);
    return shuffle(all, random, count).subarray(0, count);
  }

  return { generator, passFail, bounded, moved, meanOf };
})();
