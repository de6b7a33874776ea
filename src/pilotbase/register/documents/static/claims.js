// claims: what a part of the evidence claims, as numbers; pilotbase.trial.rules.reading.claim and
// .exact, written a second time.
const claims = (() => {
  "use strict";

  const DENOMINATOR_MOST = 10n ** 9n;

  const items = (part) => part.x.length + (part.kind === "difference" ? part.y.length : 0);

  const isEmpty = (part) =>
    part.population === 0 || (part.kind === "difference" && part.population_y === 0);

  function isComplete(part) {
    if (isEmpty(part) || part.x.length !== part.population) return false;
    return part.kind !== "difference" || part.y.length === part.population_y;
  }

  /** The integers that the test for `meets` (or for fails) takes: outages at their worst. */
  const integers = (part, meets) => ({
    x: meets ? part.x : part.x_fails ?? part.x,
    y: meets ? part.y : part.y_fails ?? part.y,
  });

  function values(part, meets) {
    const { x, y } = integers(part, meets);
    const scaled = (v) => v / part.resolution;
    return { x: Float64Array.from(x, scaled), y: Float64Array.from(y, scaled) };
  }

  /** How many of x and of y are among the first items. */
  function taken(part, count) {
    if (part.kind !== "difference") return [count, count];
    const ofY = part.turns.slice(0, count).reduce((sum, turn) => sum + turn, 0);
    return [count - ofY, ofY];
  }

  function testedThreshold(part) {
    if (part.population === null || part.threshold < 0 || part.threshold > 1) {
      return part.threshold;
    }
    return evalues.halfUnitThreshold(
      part.threshold, part.population, part.resolution, part.at_least);
  }

  /** weight x - ratio y, moved and shrunk from [-ratio, weight] to [0, 1]. */
  function pairedUnit(part, x, y, ratio) {
    const width = part.weight + ratio;
    return x.map((v, i) =>
      Math.min(1, Math.max(0, (part.weight * v - ratio * y[i] + ratio) / width)));
  }
  const pairedThreshold = (part, ratio) => (part.margin + ratio) / (part.weight + ratio);

  /** The reader's number for a value on the claim's scale, and back. */
  const shown = (part, v) => part.scale * (part.root ? Math.sqrt(Math.max(v, 0)) : v);
  const claimed = (part, number) =>
    part.root ? (number / part.scale) ** 2 : number / part.scale;

  const bound = (part) => part[part.solve];

  const mean = (numbers) => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;

  /** Mean, ratio or difference on the claim's scale; null where there is none. */
  function estimate(part, x, y) {
    const needsY = part.kind === "paired" || part.kind === "difference";
    if (!x.length || (needsY && !y.length)) return null;
    if (part.solve === "threshold") return mean(x);
    const meanY = mean(y);
    if (part.solve === "ratio") return meanY > 0 ? (part.weight * mean(x)) / meanY : null;
    return part.weight * mean(x) - part.ratio * meanY;
  }

  /** A double as an exact fraction [numerator, denominator] of BigInts. */
  function exactFraction(value) {
    let [numerator, denominator] = [value, 1n];
    while (!Number.isInteger(numerator)) [numerator, denominator] = [numerator * 2, denominator * 2n];
    return [BigInt(numerator), denominator];
  }

  /** The simplest fraction a bound can mean (0.98 is 49/50): the nearest one of denominators up to
   *  10^9, by continued fractions. */
  function fraction(value) {
    const [wholeNumerator, denominator] = exactFraction(Math.abs(value));
    const sign = value < 0 ? -1n : 1n;
    if (denominator <= DENOMINATOR_MOST) return [sign * wholeNumerator, denominator];
    let [p0, q0, p1, q1] = [0n, 1n, 1n, 0n];
    let [n, d] = [wholeNumerator, denominator];
    for (;;) {
      const a = n / d;
      const q2 = q0 + a * q1;
      if (q2 > DENOMINATOR_MOST) break;
      [p0, q0, p1, q1] = [p1, q1, p0 + a * p1, q2];
      [n, d] = [d, n - a * d];
    }
    const k = (DENOMINATOR_MOST - q0) / q1;
    const near = 2n * d * (q0 + k * q1) <= denominator;
    return near ? [sign * p1, q1] : [sign * (p0 + k * p1), q0 + k * q1];
  }

  /** Whether the claim holds of the complete set, in whole numbers; equality counts as holding. */
  function holdsExactly(part, meets) {
    const { x, y } = integers(part, meets);
    const total = (numbers) => BigInt(numbers.reduce((sum, v) => sum + v, 0));
    const over = (numbers) => BigInt(numbers.length) * BigInt(part.resolution);
    let left = [total(x), over(x)];
    let right = fraction(part.threshold);
    if (part.kind === "paired" || part.kind === "difference") {
      const [weight, ratio] = [fraction(part.weight), fraction(part.ratio)];
      const [a, b] = [weight[0] * total(x), weight[1] * over(x)];
      const [c, d] = [ratio[0] * total(y), ratio[1] * over(y)];
      left = [a * d - c * b, b * d];
      right = fraction(part.margin);
    }
    const [one, other] = [left[0] * right[1], right[0] * left[1]];
    return part.at_least ? one >= other : one <= other;
  }

  return {
    items, isEmpty, isComplete, values, taken, testedThreshold, pairedUnit,
    pairedThreshold, shown, claimed, bound, estimate, holdsExactly,
  };
})();
