// bounds: intervals, as the places where the deciding processes turn; the arithmetic of
// pilotbase.trial.rules.reading.bounds, written a second time.
const bounds = (() => {
  "use strict";

  const ROUNDING = 2e-8; // nine recorded digits, and what is lost on the way back from a root
  const SEARCH = 1e-5; // the bound of two groups is a search within a search: less exact
  const HALVINGS = 50;

  /** Whether the test that bounds from below ("lower") or above still rejects a value of the
   *  claim's scale, after so many items. */
  function rejector(part, count, side, levels, mode) {
    const meets = part.at_least === (side === "lower");
    const alpha = meets ? levels.meets : levels.fails;
    const greater = side === "lower";
    const { x: allX, y: allY } = claims.values(part, meets);
    const [ofX, ofY] = claims.taken(part, count);
    const [x, y] = [allX.slice(0, ofX), allY.slice(0, ofY)];
    const hits = x.reduce((sum, v) => sum + v, 0);
    const rejects = (log) => log >= -Math.log(alpha);
    const mean = (units, threshold) =>
      rejects(evalues.bounded(units, threshold, greater, part.population, true));
    if (part.kind === "pass_fail") {
      if (mode !== "fixed") {
        return (v) => rejects(evalues.bernoulli(hits, ofX, v, greater, part.population));
      }
      return (v) => reading.fixedPvalue(hits, ofX, v, greater, part.population) <= alpha;
    }
    if (part.kind === "bounded") return (v) => mean(x, v);
    if (part.kind === "paired") {
      return (v) => {
        const [ratio, margin] = part.solve === "ratio" ? [v, part.margin] : [part.ratio, v];
        const units = claims.pairedUnit(part, x, y, ratio);
        return mean(units, claims.pairedThreshold({ ...part, margin }, ratio));
      };
    }
    return (v) => {
      const [ratio, margin] = part.solve === "ratio" ? [v, part.margin] : [part.ratio, v];
      return rejects(differences.logEvalue(x, y, margin, greater, reading.sizes(part), ratio));
    };
  }

  /** The values of the claim's scale that can be bounded at all. */
  function possible(part) {
    if (part.solve === "threshold") return [0, 1];
    return part.solve === "ratio" ? [0, Infinity] : [-part.ratio, part.weight];
  }

  /** The smallest step between two possible values of the claim. */
  function grid(part) {
    if (part.solve !== "threshold" || part.population === null) return 0;
    return 1 / (part.population * part.resolution);
  }

  /** Whether an end of an interval, as the reader sees it, is where the process turns. */
  function turnsAt(part, count, side, end, levels, mode) {
    const [least, most] = possible(part);
    const inward = side === "lower" ? 1 : -1;
    if (!Number.isFinite(end)) return side === "upper" && most === Infinity;
    const value = claims.claimed(part, end);
    const loss = (part.kind === "difference" ? SEARCH : ROUNDING) * Math.max(1, Math.abs(value));
    const step = 0.5 * grid(part) + loss;
    const rejected = rejector(part, count, side, levels, mode);
    const [outside, inside] = [value - inward * step, value + inward * step];
    const certain = (v) => (part.kind === "pass_fail" && (v <= 0 || v >= 1)) || v < least || v > most;
    const turnsOutside = certain(outside) || rejected(outside);
    return turnsOutside && (certain(inside) || !rejected(inside));
  }

  /** The bound of a mean on the reader's scale after so many items, by halving. */
  function meanBound(part, count, side, levels, mode) {
    const rejected = rejector(part, count, side, levels, mode);
    let [near, far] = side === "lower" ? [0, 1] : [1, 0];
    for (let step = 0; step < HALVINGS; step += 1) {
      const middle = 0.5 * (near + far);
      if (rejected(middle)) near = middle;
      else far = middle;
    }
    // In a finite set the mean is a multiple of a step, and the test stands half a step aside.
    const unit = grid(part);
    const aside = side === "lower" ? 0.5 * unit : -0.5 * unit;
    const value = unit ? Math.round((near + aside) / unit) * unit : near;
    return claims.shown(part, Math.min(1, Math.max(0, value)));
  }

  return { turnsAt, meanBound };
})();
