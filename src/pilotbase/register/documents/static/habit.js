// habit: how often a way of deciding lets systems of known quality through, by simulation; the
// reader's own habit beside the base's rule.
const habit = (() => {
  "use strict";

  const SEED = 20250821;
  const RUNS = 2000;
  const WORK = 1.5e8; // stakes multiplied in all simulations of one system, so that it stays quick
  const BREATH = 2e6; // … and multiplied before the browser may draw again
  const FINITE_MOST = 20000;

  /** A part as a claim about one mean: the values seen, their bound, and how much of that mean is
   *  a twentieth of the reader's scale. */
  function claimed(part) {
    const { x, y } = claims.values(part, true);
    if (part.kind !== "paired") {
      return { seen: x, bound: part.threshold, tested: claims.testedThreshold(part), step: 0.05 };
    }
    const bound = claims.pairedThreshold(part, part.ratio);
    const scale = part.solve === "ratio" ? systems.meanOf(y) : 1;
    const seen = claims.pairedUnit(part, x, y, part.ratio);
    return { seen, bound, tested: bound, step: (0.05 * scale) / (part.weight + part.ratio) };
  }

  /** The nearest a system can be to the bound and still not hold it. */
  function nearest(part, bound) {
    const good = part.at_least ? 1 : -1;
    if (part.population === null) return bound;
    if (part.kind !== "pass_fail") return bound - good * 1e-6;
    const count = evalues.snapped(bound * part.population);
    return (part.at_least ? Math.ceil(count) - 1 : Math.floor(count) + 1) / part.population;
  }

  /** Systems to try: just short of the bound, clearly short, clearly better; each with its mean and
   *  the reader's number for it. */
  function tried(part) {
    const { bound, step } = claimed(part);
    const good = part.at_least ? 1 : -1;
    const natural = (by) => claims.shown(part, claims.bound(part) + 0.05 * by);
    return [
      { id: "line", mean: nearest(part, bound), natural: natural(0), good: false },
      { id: "short", mean: bound - step * good, natural: natural(-good), good: false },
      { id: "better", mean: bound + step * good, natural: natural(good), good: true },
    ].filter(({ mean }) => mean > 0 && mean < 1);
  }

  /** The reader's habit: at the first look with at least `from` items at which the running mean is
   *  at least as good (for go) or as bad (for no-go) as the one seen, it is decided. */
  function stops({ from, every, mean, atLeast, count }, values) {
    let sum = 0;
    for (let n = 1; n <= count; n += 1) {
      sum += values[n - 1];
      const look = n >= from && ((n - from) % every === 0 || n === count);
      if (look && (atLeast ? sum / n >= mean - 1e-12 : sum / n <= mean + 1e-12)) return n;
    }
    return 0;
  }

  /** For every number of items, the tally at which a test rejects, so that a simulation only has to
   *  count: it rejects while fewer than `found[n]` items speak against it. */
  function tallies(part, levels, meets, count) {
    const greater = reading.above(part, meets);
    const need = -Math.log(meets ? levels.meets : levels.fails);
    const tau = claims.testedThreshold(part);
    const found = new Int32Array(count + 1);
    let bad = 0; // how many items may speak against it; it never falls as items come in
    for (let n = 1; n <= count; n += 1) {
      const rejects = (against) => against <= n && evalues.bernoulli(
        greater ? n - against : against, n, tau, greater, part.population) >= need;
      while (rejects(bad)) bad += 1;
      found[n] = bad; // rejected while fewer than this many speak against it
    }
    return { greater, found };
  }

  /** One look at a set of which everything is known: nothing but a comparison. */
  function whole(part) {
    const { tested } = claimed(part);
    return (values) => ((systems.meanOf(values) >= tested) === part.at_least ? "meets" : "fails");
  }

  /** The base's rule as a function of values: "meets", "fails" or "undecided". */
  function base(part, levels, mode, count) {
    if (mode === "fixed" && claims.isComplete(part)) return whole(part);
    const tau = claims.testedThreshold(part);
    if (part.kind === "pass_fail" && tau > 0 && tau < 1) {
      return mode === "fixed" ? oneLook(part, levels, tau) : counted(part, levels, count);
    }
    const { tested } = claimed(part);
    const [meets, fails] = [reading.above(part, true), reading.above(part, false)];
    const needs = [-Math.log(levels.meets), -Math.log(levels.fails)];
    return (values) => {
      const paths = [meets, fails].map((greater) =>
        evalues.bounded(values, tested, greater, part.population));
      for (let n = mode === "fixed" ? values.length - 1 : 0; n < values.length; n += 1) {
        if (paths[1][n] >= needs[1]) return "fails";
        if (paths[0][n] >= needs[0]) return "meets";
      }
      return "undecided";
    };
  }

  function counted(part, levels, count) {
    const tests = [["fails", tallies(part, levels, false, count)],
      ["meets", tallies(part, levels, true, count)]];
    return (values) => {
      let hits = 0;
      for (let n = 1; n <= values.length; n += 1) {
        hits += values[n - 1];
        for (const [word, { greater, found }] of tests) {
          if ((greater ? n - hits : hits) < found[n]) return word;
        }
      }
      return "undecided";
    };
  }

  function oneLook(part, levels, tau) {
    return (values) => {
      const hits = values.reduce((sum, v) => sum + v, 0);
      const p = (meets) => reading.fixedPvalue(
        hits, values.length, tau, reading.above(part, meets), part.population);
      if (p(false) <= levels.fails) return "fails";
      return p(true) <= levels.meets ? "meets" : "undecided";
    };
  }

  /** The first values of a made-up system, as they would come in. */
  function drawn(part, mean, count, random) {
    const { seen } = claimed(part);
    const population = part.population !== null && part.population > FINITE_MOST
      ? null : part.population;
    return part.kind === "pass_fail" ? systems.passFail(mean, count, population, random)
      : systems.bounded(seen, mean, count, population, random);
  }

  /** Share of runs in which the habit and the base's rule decide `word` ("meets" for go). */
  async function compare(part, levels, mode, own, word, pause) {
    const count = Math.min(claims.items(part), FINITE_MOST);
    const counts = part.kind === "pass_fail" || (mode === "fixed" && claims.isComplete(part));
    const cost = counts ? 12 : 128;
    const runs = Math.max(200, Math.min(RUNS, Math.floor(WORK / (cost * count))));
    const restful = Math.max(1, Math.floor(BREATH / (cost * count)));
    const rule = base(part, levels, mode, count);
    const results = [];
    for (const system of tried(part)) {
      const random = systems.generator(SEED);
      let [mine, looked, theirs] = [0, 0, 0];
      for (let run = 0; run < runs; run += 1) {
        if (run % restful === 0) await pause();
        const values = drawn(part, system.mean, count, random);
        const stop = stops({ ...own, count }, values);
        mine += stop > 0 ? 1 : 0;
        looked += stop || count;
        theirs += rule(values) === word ? 1 : 0;
      }
      results.push({ ...system, mine: mine / runs, looked: looked / runs, base: theirs / runs });
    }
    return { results, runs, seed: SEED };
  }

  return { compare, claimed };
})();
