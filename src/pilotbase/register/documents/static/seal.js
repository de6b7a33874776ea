// seal: which parts of the page are as they were written (see register/documents/seal.py).
const seal = (() => {
  "use strict";

  const { hex, sha256, utf8 } = hashing;
  const digest = (text) => hex(sha256(utf8(text)));

  function startTag(element) {
    const attributes = [...element.attributes]
      .map(({ name, value }) => [name.toLowerCase(), value])
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, value]) => ` ${name}="${value}"`);
    return `<${element.localName.toLowerCase()}${attributes.join("")}>`;
  }

  /** Start tags with sorted attributes and text without white space, in document order. */
  function reading(element) {
    const walker = document.createTreeWalker(
      element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    let text = startTag(element);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      text += node.nodeType === Node.TEXT_NODE
        ? node.data.replace(/[ \t\n\r\f]/g, "") : startTag(node);
    }
    return text;
  }

  /** Digests of all sealed parts as they are now; to be taken before the page changes itself. */
  function taken() {
    const parts = {};
    for (const element of document.querySelectorAll("[data-seal]")) {
      parts[`section:${element.dataset.seal}`] = digest(reading(element));
    }
    for (const block of document.querySelectorAll('script[id^="data-"]')) {
      parts[`data:${block.id.slice(5)}`] = digest(block.textContent);
    }
    parts.style = digest(document.querySelector("style").textContent);
    parts.title = digest(document.title);
    return parts;
  }

  return { taken };
})();
