// panel: "You be the panel": cases revealed in the committed order, a decision, and what the base's
// rule said. Nothing is stored or sent.
const panel = (() => {
  "use strict";

  const { element, say, theirs } = page;
  const { printed } = figures;
  const at = (id) => document.getElementById(id);
  const TILES_MOST = 400;
  const BAND_LOOKS = 24;

  let report = null;
  let game = null; // what is being looked at, and how far it is revealed

  /** A fresh look at one part of one criterion of one candidate. */
  function begin(candidate, k, j) {
    const evidence = report.evidence[candidate.id].criteria;
    const part = evidence[k].parts[j];
    const criterion = candidate.criteria[k];
    const path = `verdict/candidates/${report.verdict.candidates.indexOf(candidate)}/criteria/${k}`;
    const { how } = document.querySelector(`[data-path="${path}"]`).dataset;
    // Only where every unit is counted does the order say which case item i was.
    const { units = [], names = [] } = report.order;
    const named = part.items === "units" && !part.label.includes("=")
      && (part.population ?? units.length) === units.length;
    game = {
      candidate, criterion, part, how, shown: 0, steps: [], decided: null,
      ...sequence.of(part),
      levels: verdicts.levelsOf(report.plan, evidence)[k],
      names: named ? names : [],
      said: criterion.parts[j],
      labels: report.labels(candidate, k, j),
    };
    at("play-after").hidden = true;
    tellOffer();
    refresh();
  }

  const nameOf = (i) => (game.names[i] !== undefined ? theirs(game.names[i])
    : say({ en: `Case ${i + 1}`, zh: `案例 ${i + 1}` }));

  const figureNow = () => printed(game.running[game.shown - 1], game.how);

  function reveal(count) {
    const until = Math.min(game.total, game.shown + count);
    if (until > game.shown) game.steps.push(until - game.shown);
    game.shown = until;
    refresh();
  }

  function tellOffer() {
    const { candidate, criterion, said, part, how } = game;
    const claim = candidate.claims.find((c) =>
      c.metric === criterion.metric && (c.by ?? "") === (criterion.by ?? ""));
    const bound = printed(said.threshold, `${how}-bound`);
    const claimed = claim ? printed(claim.value, how) : "";
    at("play-offer").replaceChildren(
      ...theirs(candidate.provider ?? candidate.title),
      ...say(claim ? { en: ` claims ${claimed}. `, zh: ` 声称 ${claimed}。` }
        : { en: " claims nothing about this. ", zh: " 对此未作声称。" }),
      ...say(part.at_least ? { en: `Needed: at least ${bound}.`, zh: `要求: 不低于 ${bound}。` }
        : { en: `Needed: at most ${bound}.`, zh: `要求: 不高于 ${bound}。` }),
    );
  }

  function tile(i) {
    const { good, group, values } = game.item(i);
    const kind = good === null ? "plain" : good ? "good" : "bad";
    return element("span", { class: `tile ${kind}${group ? " other" : ""}` },
      good === null ? printed(Math.round(10 * values[0]) / 10, "number-bound") : good ? "✓" : "✗");
  }

  function refresh() {
    const { shown, total, decided, item } = game;
    const seen = Array.from({ length: shown }, (_, i) => item(i).good);
    const [good, bad] = [true, false].map((g) => seen.filter((x) => x === g).length);
    const counted = good + bad ? { en: `: ${good} good, ${bad} bad`,
      zh: `: ${good} 个有利, ${bad} 个不利` } : { en: "", zh: "" };
    at("play-sofar").replaceChildren(...say(shown ? {
      en: `${shown} of ${total} seen${counted.en}. Running figure: ${figureNow()}.`,
      zh: `已看 ${total} 个中的 ${shown} 个${counted.zh}。当前数值: ${figureNow()}。`,
    } : { en: `None of ${total} seen yet.`, zh: `共 ${total} 个, 尚未查看。` }));
    const first = Math.max(0, shown - TILES_MOST);
    at("play-tiles").replaceChildren(...Array.from({ length: shown - first }, (_, i) =>
      tile(first + i)));
    at("play-latest").replaceChildren(...latest());
    picture();
    for (const button of document.querySelectorAll("[data-show]")) {
      button.disabled = shown >= total || decided !== null;
    }
    for (const button of document.querySelectorAll("[data-decide]")) {
      button.disabled = shown === 0 || decided !== null;
      button.setAttribute("aria-pressed", String(button.dataset.decide === decided));
    }
  }

  /** The cases of the last look, in words. */
  function latest() {
    const { shown, steps, item, part, how, labels: { en, zh } } = game;
    const numbers = (values) => values.map((v) => printed(claims.shown(part, v), how)).join(" / ");
    const seen = Array.from({ length: steps.at(-1) ?? 0 }, (_, i) => shown - steps.at(-1) + i);
    return seen.map((i) => {
      const { good, group, values } = item(i);
      const names = [en, zh].map((label) => label.split(/ [−/] /)[group] ?? "");
      if (good === null) {
        return element("span", { class: "seen" }, nameOf(i), ", ",
          say({ en: names[0], zh: names[1] }), ": ", element("b", {}, numbers(values)));
      }
      return element("span", { class: "seen" }, nameOf(i), ": ",
        element("b", {}, say(good ? { en: "good", zh: "有利" } : { en: "bad", zh: "不利" })),
        values.length ? ` (${numbers(values)})` : null);
    });
  }

  /** The range of the running figure's picture: all of a share, else what is drawn. */
  function range(values) {
    const { part, said, how } = game;
    if (how === "percent" && part.solve === "threshold" && part.scale === 1) return [0, 1];
    let [low, high] = [Math.min(0, said.threshold), said.threshold];
    for (const v of values) {
      if (v !== null) [low, high] = [Math.min(low, v), Math.max(high, v)];
    }
    return [low, high + 0.15 * (high - low || 1)];
  }

  /** The running figure as far as it was revealed; after the decision the rest of it too. */
  function picture(rest = [], band = [], marks = []) {
    const { running, shown, total, said, part, how } = game;
    const values = running.slice(0, shown);
    at("play-chart").replaceChildren(draw.running({
      values, rest, total, bound: said.threshold, atLeast: part.at_least, how,
      range: range([...values, ...rest]), band, marks,
    }));
  }

  /** The base's range after some numbers of items, where it is quick to compute. */
  function band(last) {
    const { part, levels } = game;
    const quick = part.kind === "pass_fail" || (part.kind === "bounded" && last <= 500);
    if (!quick || report.plan.evidence === "fixed") return [];
    const looks = Math.min(BAND_LOOKS, last);
    return Array.from({ length: looks }, (_, i) => {
      const n = Math.max(1, Math.round((last * (i + 1)) / looks));
      const end = (side) => bounds.meanBound(part, n, side, levels, "sequential");
      return { at: n, low: end("lower"), high: end("upper") };
    });
  }

  /** What the base's rule said after so many items: the part as if no more had come in. */
  async function ruledAt(count) {
    const { part, levels, total } = game;
    const [ofX, ofY] = claims.taken(part, count);
    const cut = (values, n) => values && values.slice(0, n);
    const seen = {
      ...part, x: cut(part.x, ofX), y: cut(part.y, ofY), x_fails: cut(part.x_fails, ofX),
      y_fails: cut(part.y_fails, ofY), turns: cut(part.turns, count),
    };
    // A plan with one look says nothing before the last item.
    if (report.plan.evidence === "fixed" && count < total) return { verdict: "undecided", items: 0 };
    return reading.standing(seen, levels, report.plan.evidence, page.pause);
  }

  async function decide(word) {
    game.decided = word;
    refresh();
    const played = game;
    const [then, end] = [await ruledAt(game.shown), await ruledAt(game.total)];
    if (played !== game) return;
    const marks = [{ at: game.shown, className: "you" }];
    if (end.verdict !== "undecided") marks.push({ at: end.items, className: "rule-decided" });
    picture(game.running.slice(game.shown), band(game.total), marks);
    await afterwards.tell(at("play-after"), { ...game, word, then, end, plan: report.plan });
  }

  const partName = (candidate, k, j) => {
    const parts = candidate.criteria[k].parts;
    const title = candidate.criteria[k].title;
    const language = page.isChinese() ? "zh" : "en";
    if (parts.length < 2) return title[language];
    return `${title[language]}: ${report.labels(candidate, k, j)[language]}`;
  };

  function fillCriteria(keep) {
    const candidate = report.tried[at("play-candidate").selectedIndex];
    const options = candidate.criteria.flatMap((_, k) =>
      report.evidence[candidate.id].criteria[k].parts.map((part, j) => ({ k, j, part })))
      .filter(({ part }) => claims.items(part) > 0);
    const select = at("play-criterion");
    const chosen = keep ? select.selectedIndex : 0;
    select.replaceChildren(...options.map(({ k, j }) =>
      element("option", { value: `${k} ${j}` }, partName(candidate, k, j))));
    select.selectedIndex = Math.min(Math.max(chosen, 0), options.length - 1);
  }

  function fillCandidates() {
    const select = at("play-candidate");
    const chosen = Math.max(0, select.selectedIndex);
    const language = page.isChinese() ? "zh" : "en";
    select.replaceChildren(...report.tried.map((c) => element("option", {},
      c.title[language] + (c.stand_in ? (language === "zh" ? " (替身)" : " (stand-in)") : ""))));
    select.selectedIndex = chosen;
  }

  function chosen() {
    const candidate = report.tried[at("play-candidate").selectedIndex];
    const [k, j] = at("play-criterion").value.split(" ").map(Number);
    if (at("play-criterion").value) begin(candidate, k, j);
  }

  /** The parts' names in both languages, as the page already shows them. */
  function labels(candidate, k, j) {
    const n = report.verdict.candidates.indexOf(candidate);
    const path = `verdict/candidates/${n}/criteria/${k}/parts/${j}`;
    const row = document.querySelector(`[data-part="${path}"]`);
    return { en: row?.dataset.en ?? "", zh: row?.dataset.zh ?? "" };
  }

  function start(read) {
    // Without its evidence (erased from the vault) there is nothing to reveal of a candidate.
    const tried = read.verdict.candidates.filter((c) => c.id in read.evidence);
    if (!tried.length) return;
    report = { ...read, labels, tried };
    fillCandidates();
    fillCriteria(false);
    at("play").hidden = false;
    at("play-candidate").addEventListener("change", () => { fillCriteria(false); chosen(); });
    at("play-criterion").addEventListener("change", chosen);
    document.addEventListener("languagechosen", () => { fillCandidates(); fillCriteria(true); });
    at("play").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      if (button.dataset.show) reveal(Number(button.dataset.show));
      if (button.dataset.decide) decide(button.dataset.decide);
      if ("restart" in button.dataset) chosen();
    });
    chosen();
  }

  return { start };
})();
