// papers: the documents of the report, parsed from the recorded bodies that the file carries.
const papers = (() => {
  "use strict";

  const block = (name) => {
    const found = document.getElementById(`data-${name}`);
    return found && JSON.parse(found.textContent);
  };

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  /** {frame, record, bodies, order, scenario, plan, verdict, evidence: {candidate: …}}. */
  function read() {
    const bodies = block("bodies");
    const body = (name) => parsed(bodies.find((b) => b.name === name)?.body ?? "null");
    const evidence = bodies.filter((b) => b.name.startsWith("evidence:"))
      .map((b) => [b.name.slice("evidence:".length), parsed(b.body)]);
    const frame = block("frame");
    return {
      frame,
      record: block("record"),
      bodies,
      scenario: body("scenario") ?? frame.scenario,
      order: { ...frame.order, ...body("order") },
      plan: body("plan"),
      verdict: body("verdict"),
      arms: body("arms"),
      evidence: Object.fromEntries(evidence),
      seal: JSON.parse(document.getElementById("seal").textContent),
    };
  }

  return { read };
})();
