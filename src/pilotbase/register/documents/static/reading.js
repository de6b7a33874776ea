// reading: from the integers of evidence to meets, fails or undecided, and whether an interval is
// where the deciding process turns; pilotbase.trial.rules.reading, written a second time.
const reading = (() => {
  "use strict";

  const NOTHING = { verdict: "undecided", items: 0, logMeets: 0, logFails: 0, pMeets: 1, pFails: 1 };

  /** Both at once would contradict each other: then nothing may be licensed. */
  const word = (meets, fails) => (fails ? "fails" : meets ? "meets" : "undecided");

  /** Which side the test for meets (or fails) has to show: above? */
  const above = (part, meets) => part.at_least === meets;

  const sizes = (part) => (part.population === null || part.population_y === null
    ? [null, null] : [part.population, part.population_y]);

  /** A function from a number of items to the log e-value then, for one of the two tests. */
  function process(part, meets) {
    const { x, y } = claims.values(part, meets);
    const greater = above(part, meets);
    if (part.kind === "difference") {
      return (count) => {
        const [ofX, ofY] = claims.taken(part, count);
        return differences.logEvalue(
          x.slice(0, ofX), y.slice(0, ofY), part.margin, greater, sizes(part), part.ratio);
      };
    }
    const threshold = part.kind === "paired" ? claims.pairedThreshold(part, part.ratio)
      : claims.testedThreshold(part);
    if (part.kind === "pass_fail" && threshold > 0 && threshold < 1) {
      const sums = [0];
      for (const v of x) sums.push(sums[sums.length - 1] + v);
      return (count) =>
        evalues.bernoulli(sums[count], count, threshold, greater, part.population);
    }
    const units = part.kind === "paired" ? claims.pairedUnit(part, x, y, part.ratio) : x;
    const path = evalues.bounded(units, threshold, greater, part.population);
    return (count) => path[count - 1];
  }

  /** The numbers of items at which the processes are looked at. */
  function looks(part) {
    const n = claims.items(part);
    if (part.kind !== "difference") return Array.from({ length: n }, (_, i) => i + 1);
    const at = [];
    for (let look = 16; look <= n; look = Math.ceil(look * 1.1)) at.push(look);
    return at.at(-1) === n ? at : [...at, n];
  }

  /** Whether the claim of a difference holds of the values read so far. */
  function pointsTo(part, count, meets) {
    const { x, y } = claims.values(part, meets);
    const [ofX, ofY] = claims.taken(part, count);
    if (!ofX || !ofY) return meets;
    const left = claims.estimate(
      { ...part, solve: "margin", weight: 1 }, x.slice(0, ofX), y.slice(0, ofY));
    return part.at_least ? left >= part.margin : left <= part.margin;
  }

  const pvalue = (log) => (log > 0 ? Math.exp(-log) : 1);

  /** Sequential: the first look at which one of the two tests reaches its level, else the last. */
  async function firstThere(part, levels, pause) {
    const [meets, fails] = [process(part, true), process(part, false)];
    const [needMeets, needFails] = [-Math.log(levels.meets), -Math.log(levels.fails)];
    const slow = part.kind === "difference";
    let [supMeets, supFails, standing] = [-Infinity, -Infinity, NOTHING];
    for (const count of looks(part)) {
      if (slow) await pause();
      // Where the estimate lies on the null's side the e-value is below one: not worth its cost.
      const m = slow && !pointsTo(part, count, true) ? NaN : meets(count);
      const f = slow && pointsTo(part, count, false) ? NaN : fails(count);
      supMeets = Math.max(supMeets, Number.isNaN(m) ? -Infinity : m);
      supFails = Math.max(supFails, Number.isNaN(f) ? -Infinity : f);
      const verdict = word(m >= needMeets, f >= needFails);
      standing = {
        verdict, items: count, logMeets: m, logFails: f,
        pMeets: pvalue(supMeets), pFails: pvalue(supFails),
      };
      if (verdict !== "undecided") break;
    }
    if (Number.isNaN(standing.logMeets)) standing.logMeets = meets(standing.items);
    if (Number.isNaN(standing.logFails)) standing.logFails = fails(standing.items);
    return standing;
  }

  /** p-value of one look at a tally: exact binomial or hypergeometric tail. */
  function fixedPvalue(hits, n, threshold, greater, population) {
    if (n === 0) return 1;
    const failures = greater ? n - hits : hits;
    if (population === null) {
      const rate = greater ? 1 - threshold : threshold;
      return Math.exp(tails.logBinomialCdf(failures, n, rate, 1 - rate));
    }
    const product = evalues.snapped(threshold * population);
    const edge = greater ? population - Math.min(Math.floor(product), population - 1)
      : Math.max(Math.ceil(product), 1);
    return Math.exp(tails.logHypergeometricCdf(failures, population, edge, n));
  }

  /** Fixed: one look, at the last item. */
  function atTheEnd(part, levels) {
    const n = claims.items(part);
    const [logMeets, logFails] = [process(part, true)(n), process(part, false)(n)];
    let [pMeets, pFails] = [pvalue(logMeets), pvalue(logFails)];
    const threshold = claims.testedThreshold(part);
    if (part.kind === "pass_fail" && threshold > 0 && threshold < 1) {
      [pMeets, pFails] = [true, false].map((meets) => {
        const { x } = claims.values(part, meets);
        const hits = x.reduce((sum, v) => sum + v, 0);
        return fixedPvalue(hits, n, threshold, above(part, meets), part.population);
      });
    }
    const verdict = word(pMeets <= levels.meets, pFails <= levels.fails);
    return { verdict, items: n, logMeets, logFails, pMeets, pFails };
  }

  function exactly(part) {
    const [meets, fails] = [claims.holdsExactly(part, true), !claims.holdsExactly(part, false)];
    return {
      verdict: word(meets, fails), items: claims.items(part),
      logMeets: meets ? Infinity : -Infinity, logFails: fails ? Infinity : -Infinity,
      pMeets: meets ? 0 : 1, pFails: fails ? 0 : 1,
    };
  }

  /** Where the tests of a part stand when it is decided, or at its last item. */
  async function standing(part, levels, mode, pause = async () => {}) {
    if (claims.isComplete(part)) return exactly(part);
    if (claims.isEmpty(part) || claims.items(part) === 0) return NOTHING;
    return mode === "fixed" ? atTheEnd(part, levels) : firstThere(part, levels, pause);
  }

  /** The estimate on the reader's scale after so many items; null where there is none. */
  function estimate(part, count) {
    const { x, y } = claims.values(part, true);
    const [ofX, ofY] = claims.taken(part, count);
    const found = claims.estimate(part, x.slice(0, ofX), y.slice(0, ofY));
    return found === null ? null : claims.shown(part, found);
  }

  return { standing, estimate, fixedPvalue, above, sizes };
})();
