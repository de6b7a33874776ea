// main: what happens when the file is opened.
(() => {
  "use strict";

  const taken = seal.taken();
  document.documentElement.classList.add("scripted");
  page.startLanguages();

  /** The file could not even be read: say so where every reader looks first. */
  function unreadable(error) {
    verifying.tell([checks.result("file", { en: "embedded data", zh: "内嵌数据" }, false, {
      en: `cannot be read: ${error.message}`, zh: `无法读取: ${error.message}`,
    })]);
  }

  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  try {
    const report = papers.read();
    const check = () => verifying.start(report, taken).catch(unreadable);
    document.getElementById("check").addEventListener("click", check);
    check().then(() => panel.start(report));
  } catch (error) {
    unreadable(error);
  }
})();
