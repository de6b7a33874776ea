// page: building parts of the page without ever reading text as markup, and its two languages.
const page = (() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) node.setAttribute(name, "");
      else if (value !== null && value !== undefined && value !== false) {
        node.setAttribute(name, String(value));
      }
    }
    node.append(...children.flat(Infinity).filter((child) => child !== null));
    return node;
  }
  const element = (name, attributes = {}, ...children) =>
    fill(document.createElement(name), attributes, children);
  const shape = (name, attributes = {}, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);

  /** The same sentence in both languages; the style sheet shows the one that is chosen. */
  const say = ({ en, zh }) =>
    [element("span", { lang: "en" }, en), element("span", { lang: "zh-CN" }, zh)];

  /** Somebody else's text, isolated so that it cannot turn the direction of the words around it. */
  function theirs(text) {
    if (text && typeof text === "object") {
      return [element("bdi", { lang: "en" }, String(text.en)),
        element("bdi", { lang: "zh-CN" }, String(text.zh))];
    }
    return [element("bdi", {}, String(text))];
  }

  const isChinese = () => document.documentElement.lang.startsWith("zh");

  function choose(language) {
    document.documentElement.lang = language;
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    document.dispatchEvent(new Event("languagechosen"));
  }

  /** The language the reader asks for: #zh or #en in the address, else the browser's. */
  function startLanguages() {
    const asked = /^#(zh|en)\b/.exec(location.hash)?.[1] ?? navigator.language ?? "en";
    choose(asked.startsWith("zh") ? "zh-CN" : "en");
    for (const button of document.querySelectorAll("[data-language]")) {
      button.addEventListener("click", () => choose(button.dataset.language));
    }
  }

  const BREATH = 30; // milliseconds of work between two pauses: nobody sees the page stand still
  let rested = -Infinity;

  /** Let the browser draw and react before work goes on, where it has not just done so: a timer
   *  costs four milliseconds, however short it is. */
  async function pause() {
    if (performance.now() - rested < BREATH) return;
    await new Promise((resolve) => { setTimeout(resolve, 0); });
    rested = performance.now();
  }

  return { element, shape, say, theirs, isChinese, startLanguages, pause };
})();
