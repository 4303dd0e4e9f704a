// A list that is cut into parts shows its names at once where they are few: the parts are read as the list is opened.
"use strict";
(async () => {
  const letters = document.querySelector(".of-letters[data-crates]");
  if (!letters || location.protocol === "file:") return;
  const read = async (link) => {
    const answer = await fetch(link.href.replace(/\.html$/, ".json"));
    if (!answer.ok) throw new Error(`${answer.status}`);
    return Object.values((await answer.json()).rows);
  };
  const item = (row) => {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${letters.dataset.crates}${encodeURIComponent(row.name)}/index.html`;
    link.textContent = row.name;
    line.append(link);
    return line;
  };
  const links = [...letters.querySelectorAll("a")];
  try {
    const found = await Promise.all(links.map(read));
    const names = document.createElement("div");
    names.className = "all-names";
    found.forEach((rows, at) => {
      if (!rows.length) return; // cut once more: its box leads there
      const list = document.createElement("ul");
      list.append(...rows.map(item));
      const heading = document.createElement("h2");
      heading.textContent = links[at].querySelector("span").textContent.replace("…", "");
      const section = document.createElement("section");
      section.append(heading, list);
      names.append(section);
    });
    letters.after(names);
  } catch {
    // The boxes lead to the parts.
  }
})();
