// sequence: a part of the evidence as a sequence of cases that come in one by one.
const sequence = (() => {
  "use strict";

  /** Per item, its group (0 or 1) and its place there; groups other than 0 only in differences. */
  function places(part) {
    const seen = [0, 0];
    return Array.from({ length: claims.items(part) }, (_, i) => {
      const turn = part.kind === "difference" ? part.turns[i] : 0;
      seen[turn] += 1;
      return [turn, seen[turn] - 1];
    });
  }

  /** The reader's running figure after each item; null where there is none yet. */
  function running(part, values, placed) {
    const sums = [0, 0];
    const counts = [0, 0];
    const paired = part.kind === "paired";
    return placed.map(([turn, place]) => {
      sums[turn] += (turn ? values.y : values.x)[place];
      counts[turn] += 1;
      if (paired) {
        sums[1] += values.y[place];
        counts[1] += 1;
      }
      const [a, b] = [sums[0] / counts[0], sums[1] / counts[1]];
      const found = part.solve === "threshold" ? a
        : part.solve === "ratio" ? (part.weight * a) / b : part.weight * a - part.ratio * b;
      return Number.isFinite(found) ? claims.shown(part, found) : null;
    });
  }

  /** Whether an item speaks for the claim (null: not by itself), and what there is to show. */
  function item(part, values, [turn, place]) {
    const [x, y] = [values.x[place], values.y[place]];
    // An item of one group says nothing by itself about the difference of two.
    if (part.kind === "difference") return { good: null, group: turn, values: [turn ? y : x] };
    if (part.kind === "paired") {
      const margin = part.weight * x - part.ratio * y - part.margin;
      return { good: part.at_least ? margin >= 0 : margin <= 0, group: 0, values: [x, y] };
    }
    const good = part.kind === "pass_fail" ? (x === 1) === part.at_least
      : part.at_least ? x >= part.threshold : x <= part.threshold;
    return { good, group: 0, values: part.kind === "pass_fail" ? [] : [x] };
  }

  /** {total, running, item(i)} of a part. */
  function of(part) {
    const values = claims.values(part, true);
    const placed = places(part);
    return {
      total: placed.length,
      running: running(part, values, placed),
      item: (i) => item(part, values, placed[i]),
    };
  }

  return { of };
})();
