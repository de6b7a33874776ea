// verifying: all checks run one after the other, and told to the reader in words.
const verifying = (() => {
  "use strict";

  const { element, say } = page;
  const GROUPS = {
    file: { en: "The file is as it was written", zh: "文件与写成时一致" },
    record: { en: "The record: signature, entries, root", zh: "记录: 签名、条目、根哈希" },
    bodies: { en: "The recorded bodies fit their commitments", zh: "记录正文与承诺值相符" },
    documents: { en: "The papers fit each other", zh: "各文件彼此相符" },
    order: { en: "The order follows from plan and receipt", zh: "次序由计划与回执得出" },
    arithmetic: {
      en: "The arithmetic, from the integers to the verdict", zh: "从整数到结论的运算",
    },
    shown: { en: "What is shown is what is recorded", zh: "所示即所录" },
  };

  /** Results of a step; where the step breaks off, that is a result too. */
  async function collect(group, step) {
    const results = [];
    try {
      for await (const found of step()) results.push(found);
    } catch (error) {
      results.push(checks.result(group, GROUPS[group], false, {
        en: `could not be checked: ${error.message}`, zh: `无法检查: ${error.message}`,
      }));
    }
    return results;
  }

  /** All results. `taken` are the digests of the page before it changed itself. */
  async function run(report, taken) {
    const steps = {
      file: () => checks.file(report, taken),
      record: () => checks.theRecord(report),
      bodies: () => checks.bodies(report),
      documents: () => checks.documents(report),
      order: () => checks.order(report),
      arithmetic: () => recomputed.arithmetic(report, page.pause),
      shown: () => recomputed.shown(report),
    };
    const results = [];
    for (const [group, step] of Object.entries(steps)) {
      await page.pause();
      results.push(...await collect(group, step));
    }
    return results;
  }

  const WORDS = new Map([
    [true, ["is-yes", "✓ ", { en: "holds", zh: "成立" }]],
    [false, ["is-no", "✗ ", { en: "DOES NOT HOLD", zh: "不成立" }]],
    [null, ["is-open", "○ ", { en: "not checked", zh: "未检查" }]],
  ]);
  function mark(holds) {
    const [className, sign, word] = WORDS.get(holds);
    return element("b", { class: className }, sign, say(word));
  }

  function line({ name, holds, why }) {
    const reason = holds ? null : [say({ en: ": ", zh: ": " }), say(why)];
    return element("li", {}, mark(holds), " ", say(name), reason);
  }

  /** False where one is, else null where one is, else true. */
  const overall = (results) => (results.some((r) => r.holds === false) ? false
    : results.some((r) => r.holds === null) ? null : true);

  function group(name, results) {
    const holding = results.filter((r) => r.holds);
    return element("details", { open: overall(results) !== true },
      element("summary", {}, mark(overall(results)), " ", say(GROUPS[name]),
        ` (${holding.length}/${results.length})`),
      element("ul", { class: "results" },
        [...results.filter((r) => !r.holds), ...holding].map(line)));
  }

  function summed(results) {
    const count = (holds) => results.filter((r) => r.holds === holds).length;
    const [broken, open, all] = [count(false), count(null), results.length];
    if (broken) {
      return {
        short: { en: `${broken} checks fail`, zh: `${broken} 项不成立` },
        long: {
          en: `${broken} of ${all} checks do not hold. Do not rely on this file.`,
          zh: `${all} 项检查中有 ${broken} 项不成立。请勿依赖本文件。`,
        },
      };
    }
    const rest = open ? { en: `, ${open} could not be made`, zh: `, ${open} 项无法检查` }
      : { en: "", zh: "" };
    return {
      short: { en: `all ${all - open} checks hold${rest.en}`,
        zh: `全部 ${all - open} 项成立${rest.zh}` },
      long: { en: `All ${all - open} checks hold${rest.en}.`,
        zh: `全部 ${all - open} 项检查成立${rest.zh}。` },
    };
  }

  function tell(results) {
    const broken = results.filter((r) => r.holds === false);
    const holds = broken.length === 0;
    const { short, long } = summed(results);
    document.getElementById("checks-summary").replaceChildren(
      mark(overall(results)), " ", ...say(long));
    document.getElementById("checks").replaceChildren(...Object.keys(GROUPS).map((name) =>
      group(name, results.filter((r) => r.group === name))));
    const status = document.getElementById("status");
    status.className = `status ${holds ? "holds" : "broken"}`;
    status.firstElementChild.replaceChildren(holds ? "✓ " : "✗ ", ...say({
      en: `This file has checked itself: ${short.en}`, zh: `本文件已自检: ${short.zh}`,
    }));
    alarm(broken);
  }

  function alarm(broken) {
    const box = document.getElementById("alarm");
    box.hidden = broken.length === 0;
    if (box.hidden) return;
    box.replaceChildren(
      element("p", {}, element("b", {}, "✗ ", say({
        en: "This file does not hold. What is wrong:", zh: "本文件不成立。问题所在:",
      }))),
      element("ul", {}, broken.slice(0, 8).map(line)),
      broken.length > 8 ? element("p", {}, element("a", { href: "#verify" },
        say({ en: "All of it", zh: "查看全部" }))) : "");
  }

  /** Check, and tell; may be called again. */
  async function start(report, taken) {
    const button = document.getElementById("check");
    button.disabled = true;
    document.getElementById("checks-summary").replaceChildren(
      ...say({ en: "Checking …", zh: "正在检查……" }));
    const results = await run(report, taken);
    tell(results);
    button.disabled = false;
    return results;
  }

  return { start, tell };
})();
