// afterwards: what the reader is told once they have decided: the base's rule, and how often a habit
// like theirs would let a bad system through.
const afterwards = (() => {
  "use strict";

  const { element, say } = page;
  const { printed } = figures;
  const percent = (v) => printed(v, "percent");

  const WORDS = {
    meets: { en: "it meets", zh: "达到" },
    fails: { en: "it fails", zh: "未达到" },
    undecided: { en: "undecided", zh: "未定" },
  };
  const DECISIONS = {
    go: { en: "go", zh: "通过" },
    "no-go": { en: "no-go", zh: "不通过" },
    wait: { en: "wait", zh: "等待" },
  };
  const SYSTEMS = {
    line: { en: "Just short of the bound", zh: "刚好差一点达到门槛" },
    short: { en: "Clearly too poor", zh: "明显不够好" },
    better: { en: "Clearly good enough", zh: "明显足够好" },
  };
  const rule = (en, zh) => ({ en, zh });
  const LEGEND = rule(
    "In the picture: dashed, your moment; dotted, the moment of the base's rule; grey, what that rule left open after so many cases (where it is quick to compute).",
    "图中: 虚线为您决定的时刻, 点线为基地规则判定的时刻, 灰色为该规则在看过相应案例后尚未排除的范围 (仅在便于计算时绘出)。");

  /** What was said, by the reader and by the rule, then and at the end. */
  function told({ word, shown, total, running, how, then, end, part, plan }) {
    const figure = printed(running[shown - 1], how);
    const stop = end.verdict === "undecided" ? end.items : then.items || end.items;
    const whole = claims.isComplete(part);
    const atEnd = whole ? rule(`all ${total} counted, exactly`, `全部 ${total} 个精确计数`)
      : rule(`after ${end.items} of ${total}`, `在第 ${end.items} 个 (共 ${total} 个) 时`);
    const atThen = plan.evidence === "fixed" && shown < total
      ? rule("nothing yet: this plan looks only once, at the end",
        "尚无判定: 该计划只在最后判定一次")
      : rule(`${WORDS[then.verdict].en}${stop < shown && then.verdict !== "undecided"
        ? ` (since case ${then.items})` : ""}`,
      `${WORDS[then.verdict].zh}${stop < shown && then.verdict !== "undecided"
        ? ` (第 ${then.items} 个起)` : ""}`);
    return element("dl", { class: "facts" },
      fact(rule("You", "您"), rule(`${DECISIONS[word].en}, after ${shown} cases, at ${figure}`,
        `看了 ${shown} 个, 数值为 ${figure} 时: ${DECISIONS[word].zh}`)),
      fact(rule("The base's rule at that moment", "基地规则在那一刻"), atThen),
      fact(rule("The base's rule at the end", "基地规则最终"),
        rule(`${WORDS[end.verdict].en}, ${atEnd.en}`, `${WORDS[end.verdict].zh}, ${atEnd.zh}`)));
  }

  const fact = (name, text) => element("div", {}, element("dt", {}, say(name)),
    element("dd", {}, element("b", {}, say(text))));

  /** The reader's way of deciding, as a rule that can be tried on other systems. */
  function ownHabit({ word, part, shown, steps }) {
    const { seen } = habit.claimed(part);
    const goes = word !== "no-go";
    return {
      from: shown,
      every: Math.max(1, Math.round(shown / steps.length)),
      mean: systems.meanOf(seen.slice(0, shown)),
      atLeast: goes === part.at_least,
    };
  }

  function habitInWords({ word, shown, running, how }, own) {
    const figure = printed(running[shown - 1], how);
    const every = own.every === 1 ? rule("every case", "每看一个") :
      rule(`every ${own.every} cases`, `每看 ${own.every} 个`);
    if (word === "no-go") {
      return rule(`Say no-go at the first look, from case ${shown} on and ${every.en}, at which the `
        + `running figure is no better than ${figure}.`,
      `从第 ${shown} 个起, ${every.zh}判断一次, 一旦当前数值不优于 ${figure}, 即判不通过。`);
    }
    return rule(`Say go at the first look, from case ${shown} on and ${every.en}, at which the `
      + `running figure is at least as good as ${figure}.`,
    `从第 ${shown} 个起, ${every.zh}判断一次, 一旦当前数值不差于 ${figure}, 即判通过。`);
  }

  function cell(share, wrong) {
    return element("td", {}, draw.dots(share, wrong ? "wrong" : "right"),
      element("b", { class: "share-of" }, percent(share)));
  }

  function table({ results, runs, seed }, { word, how, levels, total, part }) {
    const goes = word !== "no-go";
    const head = [
      rule("A made-up system that is …", "一个虚构系统, 其真实水平……"),
      goes ? rule("your habit lets it go", "按您的习惯会放行") : rule("your habit turns it away",
        "按您的习惯会否决"),
      goes ? rule("the base's rule lets it go", "按基地规则会放行")
        : rule("the base's rule turns it away", "按基地规则会否决"),
      rule("cases you look at", "您平均看的案例数"),
    ];
    const rows = results.map((r) => element("tr", {},
      element("th", { scope: "row" }, say(SYSTEMS[r.id]),
        element("small", {}, ` ${printed(r.natural, how)}`)),
      cell(r.mine, r.good !== goes), cell(r.base, r.good !== goes),
      element("td", {}, printed(r.looked, "count"))));
    const level = goes ? levels.meets : levels.fails;
    return [
      element("div", { class: "wide" }, element("table", { class: "habit" },
        element("caption", {}, say(rule(
          `${printed(runs, "count")} simulated trials of up to ${printed(total, "count")} cases each, in your browser (seed ${seed}). Each dot is one trial in a hundred.`,
          `在您的浏览器中模拟 ${printed(runs, "count")} 次试验, 每次最多 ${printed(total, "count")} 个案例 (种子 ${seed})。每个圆点代表百分之一。`))),
        element("thead", {}, element("tr", {}, head.map((h) =>
          element("th", { scope: "col" }, say(h))))),
        element("tbody", {}, rows))),
      element("p", {}, say(claims.isComplete(part) ? rule(
        "Here the base counts every case before it decides; about these cases it cannot err.",
        "此处基地在全部案例计数之后才判定, 就这些案例而言不会出错。") : rule(
        `The base's rule promises a wrong answer of this kind in at most ${percent(level)} of trials, however often it looks.`,
        `基地规则保证: 无论中途看多少次, 此类误判的概率不超过 ${percent(level)}。`))),
    ];
  }

  /** What to take from it, in one sentence. */
  function lesson({ results }, { word, levels }) {
    const goes = word !== "no-go";
    const wrong = results.filter((r) => r.good !== goes);
    const worst = Math.max(...wrong.map((r) => r.mine));
    const level = goes ? levels.meets : levels.fails;
    if (!wrong.length) return rule("", "");
    if (worst <= level) {
      return rule("Your habit was as careful as the base's rule.", "您的习惯与基地规则同样谨慎。");
    }
    if (worst < 0.15) {
      return rule("Your habit is fairly careful, though it errs more often than the base's rule.",
        "您的习惯相当谨慎, 但误判仍多于基地规则。");
    }
    return rule(
      "Looking again and again, and stopping when it looks right, is how luck gets taken for quality. The base's rule asks for more before it believes.",
      "反复查看、见好就收, 正是把运气误当水平的原因。基地规则要看到更多证据才相信。");
  }

  /** Tell it in `place`, whose data-state becomes "told" when the simulation is through. */
  async function tell(place, game) {
    place.dataset.state = "telling";
    await shown(place, game);
    place.dataset.state = "told";
  }

  async function shown(place, game) {
    const own = ["difference"].includes(game.part.kind) ? null : ownHabit(game);
    const title = element("h3", {}, say(rule("What the rule said", "规则怎么说")));
    const second = element("h3", {}, say(rule("Your stopping habit", "您的停止习惯")));
    const rest = element("div", {}, element("p", {}, say(rule("Simulating …", "正在模拟……"))));
    place.replaceChildren(title, told(game), element("p", { class: "quiet" }, say(LEGEND)), second,
      rest);
    place.hidden = false;
    if (own === null) {
      rest.replaceChildren(element("p", {}, say(rule(
        `For a comparison of two groups the page does not simulate; it would take too long. The base's rule errs in at most ${percent(game.levels.meets)} of trials.`,
        `两组比较的模拟耗时过长, 本页不做。基地规则误判的概率不超过 ${percent(game.levels.meets)}。`))));
      return;
    }
    const word = game.word === "no-go" ? "fails" : "meets";
    const found = await habit.compare(
      game.part, game.levels, game.plan.evidence, own, word, page.pause);
    const waiting = game.word === "wait" ? element("p", {}, say(rule(
      "Waiting lets nothing bad through, and nothing good either. Had you said go at this moment, this would be your habit:",
      "等待不会放行坏的, 也不会放行好的。倘若您此刻判通过, 您的习惯就是:"))) : null;
    rest.replaceChildren(...[waiting, element("p", {}, say(habitInWords(game, own))),
      ...table(found, game), element("p", { class: "lesson" }, say(lesson(found, game)))]
      .filter((node) => node !== null));
  }

  return { tell };
})();
