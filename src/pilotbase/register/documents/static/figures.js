// figures: how figures are printed, by the same rules as register/documents/figures.py, so that each
// figure on the page can be compared with the proven one it came from.
const figures = (() => {
  "use strict";

  const NOTHING = "–";
  const fixed = (value, digits) => value.toFixed(digits).replace(/^-(?=[0.]*$)/, "");

  function grouped(text) {
    const [whole, ...rest] = text.split(".");
    return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
  }

  function number(value) {
    const size = Math.abs(value);
    return grouped(fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3));
  }

  const bound = (value) => grouped(fixed(value, 6).replace(/\.?0+$/, ""));

  function evalue(log) {
    if (log === Infinity) return "∞";
    if (log > Math.log(1e6)) return "> 1,000,000";
    const value = Math.exp(log);
    if (value < 0.01) return "< 0.01";
    return grouped(fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2));
  }

  const PRINTERS = {
    percent: (v) => fixed(v * 100, 1) + "%",
    "percent-bound": (v) => bound(Number(fixed(v * 100, 6))) + "%",
    "percent-whole": (v) => fixed(v * 100, 0) + "%",
    number,
    "number-bound": bound,
    share: (v) => number(Math.min(1, Math.max(0, v))),
    "share-bound": bound,
    count: (v) => grouped(fixed(v, 0)),
    evalue,
    inverse: (v) => bound(1 / v),
    pvalue: (v) => (v < 0.0001 ? "< 0.0001" : fixed(v, 4)),
  };

  /** A number from JSON, where infinities travel as "inf" and "-inf". */
  function toNumber(value) {
    if (value === "inf") return Infinity;
    return value === "-inf" ? -Infinity : Number(value);
  }

  function printed(value, how) {
    if (value === null || value === undefined || value === "") return NOTHING;
    if (how === "text") return String(value);
    if (how === "moment") return `${String(value).slice(0, 16).replace("T", " ")} UTC`;
    const n = toNumber(value);
    if (!Number.isFinite(n) && how !== "evalue") return n > 0 ? "∞" : "−∞";
    return PRINTERS[how](n).replace("-", "−");
  }

  const unescaped = (key) => key.replaceAll("~1", "/").replaceAll("~0", "~");

  /** The value at `candidates/0/estimate` (RFC 6901); undefined where the path leads nowhere. */
  const at = (document, path) =>
    path === "" ? document : path.split("/").reduce((d, key) => d?.[unescaped(key)], document);

  return { printed, toNumber, fixed, at };
})();
