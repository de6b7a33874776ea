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

  const mark = (holds) => element("b", { class: holds ? "is-yes" : "is-no" },
    holds ? "✓ " : "✗ ", say(holds ? { en: "holds", zh: "成立" }
      : { en: "DOES NOT HOLD", zh: "不成立" }));

  function line({ name, holds, why }) {
    const reason = holds ? null : [say({ en: ": ", zh: ": " }), say(why)];
    return element("li", {}, mark(holds), " ", say(name), reason);
  }

  function group(name, results) {
    const broken = results.filter((r) => !r.holds);
    return element("details", { open: broken.length > 0 },
      element("summary", {}, mark(!broken.length), " ", say(GROUPS[name]),
        ` (${results.length - broken.length}/${results.length})`),
      element("ul", { class: "results" }, [...broken, ...results.filter((r) => r.holds)].map(line)));
  }

  function tell(results) {
    const broken = results.filter((r) => !r.holds);
    const holds = broken.length === 0;
    const summary = holds
      ? { en: `All ${results.length} checks hold.`, zh: `全部 ${results.length} 项检查成立。` }
      : {
        en: `${broken.length} of ${results.length} checks do not hold. Do not rely on this file.`,
        zh: `${results.length} 项检查中有 ${broken.length} 项不成立。请勿依赖本文件。`,
      };
    document.getElementById("checks-summary").replaceChildren(mark(holds), " ", ...say(summary));
    document.getElementById("checks").replaceChildren(...Object.keys(GROUPS).map((name) =>
      group(name, results.filter((r) => r.group === name))));
    const status = document.getElementById("status");
    status.className = `status ${holds ? "holds" : "broken"}`;
    status.firstElementChild.replaceChildren(holds ? "✓ " : "✗ ", ...say(holds
      ? { en: `This file has checked itself: all ${results.length} checks hold`,
        zh: `本文件已自检: 全部 ${results.length} 项成立` }
      : { en: `This file has checked itself: ${broken.length} checks fail`,
        zh: `本文件已自检: ${broken.length} 项不成立` }));
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

  return { start, tell, run };
})();
