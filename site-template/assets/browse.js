// A list that is cut into parts shows its names at once where they are few, and of keywords those that most crates name.
"use strict";
(async () => {
  const letters = document.querySelector(".of-letters[data-at]");
  if (!letters || location.protocol === "file:") return;
  const { at, sets } = letters.dataset;
  const MOST = 60;
  const made = (tag, fields, ...children) => {
    const element = Object.assign(document.createElement(tag), fields);
    element.append(...children);
    return element;
  };
  const read = async (link) => {
    const answer = await fetch(link.href.replace(/\.html$/, ".json"));
    if (!answer.ok) throw new Error(`${answer.status}`);
    return Object.values((await answer.json()).rows);
  };
  const crate = ({ name }) => made("li", {}, made("a", { href: `${at}${encodeURIComponent(name)}/index.html` }, name));
  // As site/paths.py has it: `safe`.
  const safe = (name) => name.replace(/[^a-z0-9-]/gu, (char) => `_${char.codePointAt(0).toString(16)}_`);
  const set = ({ name, total }) => made("li", {}, made(
    "a", { href: `${at}${safe(name)}.html` }, made("span", {}, name), " ", made("span", { className: "count" }, `${total}`),
  ));
  const links = [...letters.querySelectorAll("a")];
  try {
    const found = await Promise.all(links.map(read));
    if (sets) {
      const rows = found.flat().filter(({ name }) => safe(name).length <= 240);
      rows.sort((one, other) => other.total - one.total || (one.name < other.name ? -1 : 1));
      letters.before(made("h2", {}, "Most used"), made("ul", { className: "boxes" }, ...rows.slice(0, MOST).map(set)), made("h2", {}, "All"));
      return;
    }
    // A part that is cut once more has no rows: its box leads there.
    letters.after(made("div", { className: "all-names" }, ...found.flatMap((rows, number) => (rows.length ? [
      made("section", {}, made("h2", {}, links[number].querySelector("span").textContent.replace("…", "")), made("ul", {}, ...rows.map(crate))),
    ] : []))));
  } catch {
    // The boxes lead to the parts.
  }
})();
