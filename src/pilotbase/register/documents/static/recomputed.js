// recomputed: the arithmetic, from the integers of the evidence to every word of the verdict; and
// whether the page shows what the documents say.
const recomputed = (() => {
  "use strict";

  const { toNumber, printed, at, fixed } = figures;

  const UNFOUNDED = { en: "does not follow from its criteria", zh: "无法由其指标得出" };
  const ERASED = {
    en: "evidence is not in this file, so it is not recomputed", zh: "证据不在本文件中, 因此未重新计算",
  };

  const close = (a, b, tolerance) =>
    a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

  /** Nine recorded digits; six recorded decimals of a logarithm, cut off. */
  const sameNumber = (found, said) => (found === null ? said === null
    : said !== null && Math.abs(found - toNumber(said)) <= 1e-8 * Math.abs(found) + 1e-12);
  const samePvalue = (found, said) => close(found, said, 2e-6);
  const sameLog = (found, said) => close(found, toNumber(said), 2e-6);

  const naming = (candidate, criterion, label) => {
    const part = label ? ` (${label})` : "";
    return {
      en: `${criterion.title.en}${part} of ${candidate.title.en}`,
      zh: `${candidate.title.zh}的${criterion.title.zh}${part}`,
    };
  };

  /** What differs between a part as said and as found here; [] when nothing does. */
  function differing(part, said, standing, levels, mode) {
    const wrong = [];
    const expect = (en, zh, holds) => { if (!holds) wrong.push({ en, zh }); };
    expect("verdict", "判定", standing.verdict === said.verdict);
    expect("units", "单元数", standing.items === said.units);
    expect("estimate", "估计值",
      sameNumber(reading.estimate(part, standing.items), said.estimate));
    expect("bound", "门槛", sameNumber(claims.shown(part, claims.bound(part)), said.threshold));
    expect("e-value for meets", "“达到”的 e 值", sameLog(standing.logMeets, said.log_evalue_meets));
    expect("e-value for fails", "“未达到”的 e 值",
      sameLog(standing.logFails, said.log_evalue_fails));
    expect("p-values", "p 值", samePvalue(standing.pMeets, said.p_meets)
      && samePvalue(standing.pFails, said.p_fails));
    expect("moment of decision", "判定时刻",
      said.decided_at === (standing.verdict === "undecided" ? null : standing.items));
    expect("faults and outages", "故障与中断",
      said.errors === part.faults && said.outages === part.outages);
    if (part.kind === "pass_fail") {
      const hits = part.x.slice(0, standing.items).reduce((sum, v) => sum + v, 0);
      expect("count", "计数", hits === said.successes);
    }
    expect("interval", "区间", intervalHolds(part, said, standing, levels, mode));
    return wrong;
  }

  function intervalHolds(part, said, standing, levels, mode) {
    if (standing.items === 0) return said.interval === null;
    const ends = said.interval?.map(toNumber);
    if (!claims.isComplete(part)) {
      return Boolean(ends) && ["lower", "upper"].every((side, i) =>
        bounds.turnsAt(part, standing.items, side, ends[i], levels, mode));
    }
    const found = [true, false].map((meets) => {
      const { x, y } = claims.values(part, meets);
      const v = claims.estimate(part, x, y);
      return v === null ? null : claims.shown(part, v);
    });
    if (found.includes(null)) return said.interval === null;
    return found.sort((a, b) => a - b).every((v, i) => sameNumber(v, ends[i]));
  }

  /** The criterion's own figures are those of its binding part, or joined from all parts. */
  function joinedHolds(said, found) {
    const binding = said.parts[said.binding];
    const taken = ["units", "estimate", "successes", "errors", "outages", "decided_at", "further"];
    return sameLog(found.logMeets, said.log_evalue_meets)
      && sameLog(found.logFails, said.log_evalue_fails)
      && samePvalue(found.pMeets, said.p_meets) && samePvalue(found.pFails, said.p_fails)
      && (!binding || taken.every((key) => said[key] === binding[key]))
      && (!binding || said.direction === "between"
        || record.canonical(said.interval) === record.canonical(binding.interval))
      && (!binding || said.direction === "between" || said.threshold === binding.threshold);
  }

  /** The bound of the verdict is the bound of the plan. */
  function planned(plan, said) {
    const asked = plan.criteria[said.criterion];
    if (!asked) return said.metric === "barred_columns";
    const nothing = said.parts.length === 0 && said.threshold === null;
    return asked.metric === said.metric && (asked.blocking ?? true) === said.blocking
      && (nothing || record.canonical(asked[said.direction]) === record.canonical(said.threshold));
  }

  /** Where the parts of a criterion stand, read at these levels. */
  async function standingsAt(criterion, levels, mode, pause) {
    const standings = [];
    for (const part of criterion.parts) {
      await pause();
      standings.push(await reading.standing(part, levels, mode, pause));
    }
    return standings;
  }

  /** The reading whose figures are shown: the one at its own levels or, where a step-down procedure
   *  decided what was open there, the first of its levels that says the same. */
  async function agreeing(plan, criterion, word, own, pause) {
    const says = ({ standings }) => verdicts.joined(standings.map((s) => s.verdict)) === word;
    if (says(own)) return own;
    for (const level of verdicts.stepsOf(plan)) {
      const levels = { meets: level, fails: level / Math.max(1, criterion.parts.length) };
      const standings = await standingsAt(criterion, levels, plan.evidence, pause);
      if (says({ standings })) return { levels, standings };
    }
    return own;
  }

  /** Results for one set of criteria; also gives what `verdicts.judged` needs. */
  async function* criteria(plan, candidate, evidence, shown, found, pause) {
    const levels = verdicts.levelsOf(plan, evidence);
    for (const [k, criterion] of evidence.entries()) {
      const said = shown[k];
      const standings = await standingsAt(criterion, levels[k], plan.evidence, pause);
      found.push(verdicts.criterion(criterion, standings));
      const own = { levels: levels[k], standings };
      const read = await agreeing(plan, criterion, said.verdict, own, pause);
      for (const [j, part] of criterion.parts.entries()) {
        const wrong = differing(
          part, said.parts[j], read.standings[j], read.levels, plan.evidence);
        yield checks.result("arithmetic", naming(candidate, said, part.label), !wrong.length, {
          en: `recomputed differently: ${wrong.map((w) => w.en).join(", ")}`,
          zh: `重新计算结果不同: ${wrong.map((w) => w.zh).join("、")}`,
        });
      }
      const whole = verdicts.criterion(criterion, read.standings);
      if (!joinedHolds(said, whole) || !planned(plan, said)) {
        yield checks.result("arithmetic", naming(candidate, said, ""), false, {
          en: "its figures are not those of its parts, or its bound not that of the plan",
          zh: "其数字与分项不符, 或门槛与计划不符",
        });
      }
    }
  }

  async function* arithmetic({ plan, verdict, evidence }, pause) {
    const all = [];
    for (const candidate of verdict.candidates) {
      const body = evidence[candidate.id];
      const found = [];
      if (!body) {
        yield checks.result("arithmetic", candidate.title, null, ERASED);
        continue;
      }
      yield* criteria(plan, candidate, body.criteria, candidate.criteria, found, pause);
      all.push(found);
      if (body.future) {
        const named = { ...candidate, title: {
          en: `${candidate.title.en}, future cases`, zh: `${candidate.title.zh} (未来案例)`,
        } };
        const beside = body.future.criteria;
        yield* criteria(plan, named, beside, candidate.future.criteria, [], pause);
      }
    }
    // The rule over several candidates needs the evidence of all of them.
    const judged = all.length === verdict.candidates.length ? verdicts.judged(all, plan) : null;
    for (const [n, candidate] of verdict.candidates.entries()) {
      const holds = judged && candidate.verdict === judged[n].verdict
        && candidate.criteria.every((c, k) => c.verdict === judged[n].criteria[k]);
      yield checks.result("arithmetic", {
        en: `verdict on ${candidate.title.en}`, zh: `对${candidate.title.zh}的结论`,
      }, holds, judged ? UNFOUNDED : ERASED);
    }
    const going = verdict.candidates.filter((c) => c.verdict === "go").map((c) => c.id);
    yield checks.result("arithmetic", { en: "first choice", zh: "首选" },
      verdict.chosen === null ? going.length === 0 : going.includes(verdict.chosen),
      { en: "is not among those that may go ahead", zh: "不在通过者之列" });
  }

  // What is shown: figures, verdict words and marks of charts, against the documents.
  function* shown(report) {
    const wrong = [];
    const place = (svg, value) => {
      const [low, high] = [Number(svg.dataset.low), Number(svg.dataset.high)];
      return `${fixed(100 * Math.min(1, Math.max(0, (value - low) / (high - low))), 2)}%`;
    };
    let count = 0;
    const look = (path, fits) => {
      count += 1;
      if (!fits) wrong.push(path);
    };
    for (const node of document.querySelectorAll("[data-at][data-as]")) {
      const { at: path, as: how } = node.dataset;
      look(path, printed(at(report, path), how) === node.textContent);
    }
    for (const node of document.querySelectorAll("[data-at][data-is]")) {
      look(node.dataset.at, at(report, node.dataset.at) === node.dataset.is);
    }
    for (const name of ["x", "x1", "x2"]) {
      for (const mark of document.querySelectorAll(`[data-${name}]`)) {
        const path = mark.getAttribute(`data-${name}`);
        const svg = mark.closest("svg.chart");
        look(path, place(svg, toNumber(at(report, path))) === mark.getAttribute(name));
      }
    }
    yield checks.result("shown", {
      en: `${count} figures, words and marks on this page`, zh: `本页的 ${count} 个数字、判定与图形`,
    }, !wrong.length, {
      en: `differ from the documents: ${wrong.slice(0, 5).join(", ")}`,
      zh: `与文件不符: ${wrong.slice(0, 5).join(", ")}`,
    });
  }

  return { arithmetic, shown };
})();
