// checks: what the page verifies of itself, one result per thing that can be named. A result is
// {group, name: {en, zh}, holds: true | false | null, why: {en, zh}}; null: it could not be checked
// because something it needs is not in the file (an erased body, say), and `why` tells so.
const checks = (() => {
  "use strict";

  const { digest, fromHex, hex } = hashing;
  const none = { en: "", zh: "" };

  const result = (group, name, holds, why = none) => ({ group, name, holds, why });

  /** "sha256:<hex>" of the RFC 8785 form, as the record hashes documents. */
  const digestOf = (value) => digest(record.canonical(value));

  // 1. The file as it was written: guards against accidents and single altered places.
  const PARTS = {
    "data:frame": { en: "embedded data: frame", zh: "内嵌数据: 框架" },
    "data:record": { en: "embedded data: record", zh: "内嵌数据: 记录" },
    "data:bodies": { en: "embedded data: bodies", zh: "内嵌数据: 正文" },
    style: { en: "style sheet", zh: "样式表" },
    title: { en: "window title", zh: "窗口标题" },
  };
  function* file({ seal: sealed }, taken) {
    for (const name of new Set([...Object.keys(sealed), ...Object.keys(taken)])) {
      const section = name.replace("section:", "");
      const said = PARTS[name] ?? { en: `section “${section}”`, zh: `章节“${section}”` };
      yield result("file", said, sealed[name] === taken[name], {
        en: "is not as it was written", zh: "与写成时不一致",
      });
    }
  }

  // 2. The record: the signed checkpoint, and every entry under its root.
  async function* theRecord({ record: kept }) {
    const note = await record.verifyNote(kept.checkpoint, kept.vkey);
    const key = record.verifierKey(kept.vkey);
    yield result("record", { en: "signature of the checkpoint", zh: "检查点的签名" }, note.holds, {
      en: `not signed by the key ${kept.vkey}`, zh: `并非由密钥 ${kept.vkey} 签名`,
    });
    const said = record.parseCheckpoint(note.text);
    const fits = said !== null && said.size === kept.size && said.root === kept.root
      && said.origin === key?.name;
    yield result("record", { en: "root and size in the checkpoint", zh: "检查点中的根哈希与大小" },
      fits, { en: "differ from those shown", zh: "与所示不一致" });
    if (rotations(kept).length) {
      const chain = await chainOf(kept);
      const named = { en: "rotation of the base's key", zh: "基地密钥的更换" };
      yield result("record", named, chain !== null, {
        en: "is not signed by both keys, or does not follow", zh: "未经新旧密钥共同签署, 或前后不衔接",
      });
    }
    for (const entry of [...rotations(kept), ...kept.entries]) {
      const proof = entry.proof.map(fromHex);
      const root = said && fromHex(said.root);
      const leaf = record.leafHash(entry.text);
      const holds = Boolean(root)
        && record.included(leaf, entry.index, said.size, proof, root);
      yield result("record", nameOf(entry), holds, {
        en: "its hash does not lead to the root", zh: "其哈希无法导出根哈希",
      });
    }
  }

  const rotations = (kept) => kept.rotations ?? [];

  async function chainOf(kept) {
    try {
      return await record.keyChain(kept.vkey, rotations(kept));
    } catch {
      return null;
    }
  }

  function envelope(entry) {
    try {
      return JSON.parse(entry.text);
    } catch {
      return {};
    }
  }

  function nameOf(entry) {
    const { kind = "?" } = envelope(entry);
    return { en: `entry ${entry.index} (${kind})`, zh: `第 ${entry.index} 条记录 (${kind})` };
  }

  // 3. The bodies: each is what its entry committed to, and is written canonically.
  function* bodies({ record: kept, bodies: all }) {
    for (const body of all) {
      const entry = kept.entries.find((e) => e.index === body.entry);
      const committed = entry && envelope(entry).vault?.[body.name]?.commitment;
      const holds = Boolean(committed) && record.commitment(body.salt, body.body) === committed;
      yield result("bodies", {
        en: `body “${body.name}” of entry ${body.entry}`,
        zh: `第 ${body.entry} 条记录的正文“${body.name}”`,
      }, holds, { en: "is not what was committed to", zh: "与承诺值不符" });
    }
  }

  const entryOf = (kept, kind) =>
    kept.entries.find((e) => String(envelope(e).kind).split("/")[0] === kind);

  /** The body of the entry of a kind, in whatever version; null when there is none. */
  const bodyOf = (kept, kind) => {
    const entry = entryOf(kept, kind);
    return entry ? envelope(entry).body ?? {} : null;
  };

  // 4. The papers fit each other and the entries that name them.
  async function* documents(report) {
    const { frame, record: kept, plan, verdict, evidence, scenario } = report;
    const text = (name) => report.bodies.find((b) => b.name === name)?.body ?? "";
    const planHash = digest(text("plan"));
    const chain = await chainOf(kept);
    // A note bears the key that was in force when its entry was recorded.
    const keyOf = (kind) => record.keyAt(chain, entryOf(kept, kind).index);
    const fit = (en, zh, holds) => result("documents", { en, zh }, holds, {
      en: "do not fit each other", zh: "彼此不符",
    });
    yield fit("plan and its hash", "试验计划与其哈希", planHash === frame.plan_hash
      && planHash === verdict.plan.hash && frame.run === planHash.slice(7, 19));
    if (plan.scenario) {
      yield fit("scenario and the plan", "场景与试验计划", digestOf(scenario) === plan.scenario);
    }
    yield fit("candidates and the plan", "候选方案与试验计划", same(plan.candidates,
      scenario.candidates.map((c) => ({
        id: c.id, digest: digestOf(c), ...(c.acts_for ? { acts_for: c.acts_for } : {}),
        ...(c.results ? { trust: "reported" } : {}),
      }))));
    yield fit("grades of trust and the plan", "可信等级与试验计划", verdict.candidates.every((c) =>
      (c.trust ?? "tried")
        === (plan.candidates.find((offer) => offer.id === c.id)?.trust ?? "tried")));
    yield fit("evidence and the plan", "证据与试验计划",
      Object.entries(evidence).every(([id, e]) => e.plan === planHash && e.candidate === id));
    const missing = (en, zh) => result("documents", { en, zh }, null, {
      en: "that entry is not in this file", zh: "该记录不在本文件中",
    });
    const planned = bodyOf(kept, "pilot.planned");
    if (planned) {
      yield fit("plan and its entry", "试验计划与其记录", planned.plan === planHash
        && planned.earlier_plans === frame.earlier.plans_on_same_data);
      const signed = await record.verifyNote(planned.note, keyOf("pilot.planned"));
      yield fit("plan and the base's signature", "试验计划与基地签名",
        signed.holds && signed.text === `pilotbase/plan/1\n${frame.run}\n${planHash}\n`);
    } else yield missing("plan and its entry", "试验计划与其记录");
    const evaluated = bodyOf(kept, "pilot.evaluated");
    if (evaluated) {
      yield fit("evidence and its entry", "证据与其记录",
        evaluated.exposures === frame.earlier.exposures
        && Object.keys(evidence).every((id) =>
          digest(text(`evidence:${id}`)) === evaluated.evidence[id]));
    } else yield missing("evidence and its entry", "证据与其记录");
    const judged = bodyOf(kept, "pilot.judged");
    if (judged) {
      const words = Object.fromEntries(verdict.candidates.map((c) => [c.id, c.verdict]));
      yield fit("verdict and its entry", "结论与其记录", judged.verdict === digest(text("verdict"))
        && same(judged.verdicts, words) && judged.chosen === verdict.chosen);
    } else yield missing("verdict and its entry", "结论与其记录");
    const evidenced = bodyOf(kept, "pilot.evidenced");
    if (evidenced) {
      const signed = await record.verifyNote(evidenced.note, keyOf("pilot.evidenced"));
      yield fit("verdict and the signatory's signature", "结论与签署人签名", signed.holds
        && signed.text === `pilotbase/verdict/1\n${planHash}\n${digest(text("verdict"))}\n`);
    } else yield missing("verdict and the signatory's signature", "结论与签署人签名");
    yield fit("attestation shown and in the verdict", "所示见证与结论中的见证",
      frame.witness === verdict.plan.witness && frame.witness === attested(plan));
  }

  const same = (a, b) => record.canonical(a) === record.canonical(b);

  function attested(plan) {
    const key = plan.order.receipt.key;
    return key ? `witnessed before the start by ${record.verifierKey(key)?.name}`
      : "self-attested: could have been rerun";
  }

  // 5. The order: receipt, seed, and the units sorted by their hashes.
  async function* order({ frame, plan, order: said, record: kept }) {
    const started = bodyOf(kept, "pilot.started");
    const receipt = (started ? started.receipt : frame.receipt) || null;
    const witness = plan.order.receipt.key;
    if (witness) {
      const note = `pilotbase/receipt/1\n${frame.plan_hash}\n\n${receipt}`;
      yield result("order", { en: "the witness's receipt", zh: "见证人的回执" },
        (await record.verifyNote(note, witness)).holds,
        { en: "is not signed by the witness of the plan", zh: "并非由计划指定的见证人签名" });
    }
    const text = record.canonical(["pilotbase/order/1", frame.plan_hash, receipt]);
    const seed = hashing.sha256(hashing.utf8(text));
    const seedFits = hex(seed) === said.seed && (!started || started.order === said.seed);
    yield result("order", { en: "seed from plan and receipt", zh: "由计划与回执得出的种子" },
      seedFits, { en: "is not the one shown", zh: "与所示不一致" });
    const prefix = hashing.concat(seed, Uint8Array.of(0));
    const keys = said.units.map((id) =>
      hex(hashing.sha256(hashing.concat(prefix, hashing.utf8(id)))));
    const wrong = keys.findIndex((key, i) => i > 0 && key < keys[i - 1]);
    yield result("order", { en: "units sorted by their hashes", zh: "单元按哈希排序" }, wrong < 0, {
      en: `unit ${wrong + 1} stands in the wrong place`, zh: `第 ${wrong + 1} 个单元位置不对`,
    });
  }

  return { result, file, theRecord, bodies, documents, order };
})();
