// verdicts: from readings to a criterion's and a candidate's verdict; pilotbase.assess.rules and the
// rules over several hypotheses, written a second time.
const verdicts = (() => {
  "use strict";

  /** Holm's procedure: which p-values are rejected. */
  function holm(pvalues, alpha) {
    const order = pvalues.map((_, i) => i).sort((i, j) => pvalues[i] - pvalues[j] || i - j);
    const rejected = pvalues.map(() => false);
    for (const [rank, i] of order.entries()) {
      if (pvalues[i] > alpha / (pvalues.length - rank)) break;
      rejected[i] = true;
    }
    return rejected;
  }

  /** e-Holm: e_i is at least 1/alpha plus what all e-values together fall short of it. */
  function eHolm(evalues, alpha) {
    const shortfall = evalues.reduce((sum, e) => sum + Math.max(0, 1 / alpha - e), 0);
    return evalues.map((e) => e >= 1 / alpha && e >= 1 / alpha + shortfall);
  }

  /** e-BH: the k largest for the largest k whose k-th largest is at least m / (k alpha). */
  function eBh(evalues, alpha) {
    const sorted = [...evalues].sort((a, b) => b - a);
    const enough = sorted.map((e, i) => e * (i + 1) * alpha >= evalues.length);
    const last = enough.lastIndexOf(true);
    return evalues.map((e) => last >= 0 && e >= sorted[last]);
  }

  /** Error levels at which the criteria of a candidate are read. */
  function levelsOf(plan, criteria) {
    const blocking = Math.max(1, criteria.filter((c) => c.blocking).length);
    const meets = plan.alpha / Math.max(1, plan.candidates.length);
    return criteria.map((criterion) => {
      const fails = criterion.blocking ? plan.alpha / blocking : plan.alpha;
      return { meets, fails: fails / Math.max(1, criterion.parts.length) };
    });
  }

  function joined(words) {
    if (words.includes("fails")) return "fails";
    return words.length && words.every((w) => w === "meets") ? "meets" : "undecided";
  }

  /** Levels at which a step-down procedure may have decided what was open at first. */
  function stepsOf(plan) {
    const count = Math.max(plan.candidates.length, plan.criteria.length + 1);
    const steps = Array.from({ length: count }, (_, i) => [
      plan.alpha / (i + 1), (plan.alpha * (i + 1)) / count,
    ]).flat();
    return [...new Set(steps)].sort((a, b) => a - b);
  }

  /** One criterion from where its parts stand: intersection-union for meets, Bonferroni for fails. */
  function criterion(evidence, standings) {
    const all = (key) => standings.map((s) => s[key]);
    const parts = standings.length;
    return {
      blocking: evidence.blocking,
      read: joined(all("verdict")),
      logMeets: parts ? Math.min(...all("logMeets")) : 0,
      logFails: parts ? Math.max(...all("logFails")) - Math.log(parts) : 0,
      pMeets: parts ? Math.max(...all("pMeets")) : 1,
      pFails: parts ? Math.min(1, parts * Math.min(...all("pFails"))) : 1,
    };
  }

  /** The verdict words of all candidates: [{criteria: [word], verdict}], in the given order.
   *  `candidates` holds, per candidate, what `criterion` gave for each of its criteria. */
  function judged(candidates, plan) {
    const go = candidates.map((criteria) =>
      Math.exp(Math.min(Infinity, ...criteria.filter((c) => c.blocking).map((c) => c.logMeets))));
    const admitted = (plan.several === "e-bh" ? eBh : eHolm)(go, plan.alpha);
    return candidates.map((criteria, n) => {
      const blocking = criteria.filter((c) => c.blocking);
      const failing = holm(blocking.map((c) => c.pFails), plan.alpha);
      const words = criteria.map((c) => {
        if (c.read !== "undecided" || !c.blocking) return c.read;
        if (failing[blocking.indexOf(c)]) return "fails";
        return admitted[n] ? "meets" : "undecided";
      });
      const hangs = words.filter((_, k) => criteria[k].blocking);
      // What another tool reports, and what was tried on synthetic rows, admits nobody by itself.
      const best = plan.candidates[n]?.trust === "reported" || plan.data?.synthetic
        ? "conditional" : "go";
      const verdict = hangs.includes("fails") ? "no-go"
        : hangs.includes("undecided") ? "insufficient"
          : words.every((w) => w === "meets") ? best : "conditional";
      return { criteria: words, verdict };
    });
  }

  return { holm, eHolm, eBh, levelsOf, stepsOf, joined, criterion, judged };
})();
