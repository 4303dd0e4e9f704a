// Search without a server. The index is two radix trees of small scripts, so that a browser can read them from a disk
// too: `search/names` finds crates by how their names begin, `search/words` by words and by parts of names. A part
// names those below it by the next character, and a search reads only those on its way.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const MOST_PARTS = 10; // that one search reads of a list below the part it is led to: it stays below 100 KB
  const SHOWN = 50;
  const END = "!";

  // Parts --------------------------------------------------------------------------------------------------
  const parts = new Map();
  window.csiPart = (part) => { document.currentScript.csiPart = part; };
  const safe = (text) => text.replace(/[^a-z0-9-]/gu, (found) => `_${found.codePointAt(0).toString(16)}_`);
  const part = (list, prefix) => {
    const path = prefix ? `${list}/${safe(prefix)}.js` : `${list}.js`;
    if (!parts.has(path)) {
      parts.set(path, new Promise((done) => {
        const script = document.createElement("script");
        script.src = root + path.split("/").map(encodeURIComponent).join("/");
        script.onload = () => { done(script.csiPart || null); script.remove(); };
        script.onerror = () => { done(null); script.remove(); };
        document.head.append(script);
      }));
    }
    return parts.get(path);
  };

  // Give rows whose keys begin with `start`, by key, from at most so many parts.
  const beginning = async (list, start) => {
    const found = [];
    let left = MOST_PARTS;
    const walk = async (prefix) => {
      const node = await part(list, prefix);
      if (!node) return;
      for (const [key, row] of Object.entries(node.rows)) if (`${key}${END}`.startsWith(start)) found.push([key, row]);
      for (const below of Object.keys(node.parts)) {
        if (below.startsWith(start)) {
          if (left > 0) { left -= 1; await walk(below); }
        } else if (start.startsWith(below)) await walk(below);
      }
    };
    await walk("");
    return found;
  };

  // Give how many rows have keys that begin with `start`: what leads there says it.
  const howMany = async (list, start) => {
    let node = await part(list, "");
    while (node) {
      const below = Object.entries(node.parts);
      const within = below.filter(([prefix]) => prefix.startsWith(start));
      if (within.length) return within.reduce((sum, [, total]) => sum + total, 0);
      const way = below.find(([prefix]) => start.startsWith(prefix));
      if (!way) return Object.keys(node.rows).filter((key) => `${key}${END}`.startsWith(start)).length;
      node = await part(list, way[0]);
    }
    return 0;
  };

  // Searching ----------------------------------------------------------------------------------------------
  const plain = (text) => text.normalize("NFKC").toLowerCase().replaceAll("_", "-");
  const words = (text) => text.match(/[\p{L}\p{N}]+/gu) || [];
  const rank = (key, row, wanted, asked) => {
    if (key === wanted) return 0;
    if (key.startsWith(wanted)) return 1;
    if (key.includes(wanted)) return 2;
    const tags = words(plain(row[2]));
    return asked.every((word) => tags.includes(word)) ? 3 : 4;
  };
  const search = async (query) => {
    const wanted = plain(query.trim()).replace(/\s+/g, "-");
    const asked = words(plain(query));
    if (!asked.length) return [];
    const found = new Map();
    for (const [key, row] of await beginning("search/names", wanted)) found.set(key, row);
    if (found.size === 0 || !found.has(wanted)) {
      for (const [key, row] of await beginning("search/names", `${wanted}${END}`)) found.set(key, row);
    }
    const counts = await Promise.all(asked.map((word) => (asked.length > 1 ? howMany("search/words", word) : 1)));
    const rarest = asked[counts.indexOf(Math.min(...counts))];
    const starts = new Set([rarest, ...(wanted.includes("-") ? [wanted] : [])]);
    for (const start of starts) {
      for (const [key, row] of await beginning("search/words", start)) {
        const name = key.slice(key.indexOf(" ") + 1);
        const text = plain(`${row[0]} ${row[1]} ${row[2]}`);
        if (asked.every((word) => text.includes(word))) found.set(name, row);
      }
    }
    return [...found]
      .map(([key, row]) => ({ name: row[0], description: row[1], rank: rank(key, row, wanted, asked), key }))
      .sort((one, other) => one.rank - other.rank || one.key.length - other.key.length || (one.key < other.key ? -1 : 1))
      .slice(0, SHOWN);
  };

  const page = (name) => `${root}crates/${encodeURIComponent(name)}/index.html`;
  const marked = (text, asked) => {
    const box = document.createElement("b");
    const at = plain(text).indexOf(asked);
    if (at < 0 || !asked) { box.textContent = text; return box; }
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + asked.length);
    box.append(text.slice(0, at), mark, text.slice(at + asked.length));
    return box;
  };

  // As you type --------------------------------------------------------------------------------------------
  let boxes = 0;
  const attach = (input) => {
    if (input.dataset.attached || document.getElementById("found")) { results(input); return; }
    input.dataset.attached = "yes";
    boxes += 1;
    const list = document.createElement("ul");
    list.className = "drop";
    list.id = `drop-${boxes}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Crates");
    input.after(list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) {
      input.setAttribute(name, value);
    }
    let at = -1;
    const choose = (next) => {
      const items = [...list.children];
      at = items.length ? (next + items.length) % items.length : -1;
      items.forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
      if (at < 0) input.removeAttribute("aria-activedescendant");
      else { input.setAttribute("aria-activedescendant", items[at].id); items[at].scrollIntoView({ block: "nearest" }); }
    };
    const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const show = async () => {
      const query = input.value;
      const found = query.trim() ? (await search(query)).slice(0, 8) : [];
      if (query !== input.value) return;
      list.replaceChildren(...found.map((each, number) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${number}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.append(marked(each.name, plain(query.trim())));
        const text = document.createElement("span");
        text.textContent = each.description;
        item.append(text);
        item.addEventListener("pointerdown", (event) => { event.preventDefault(); location.href = page(each.name); });
        return item;
      }));
      at = -1;
      list.hidden = found.length === 0;
      input.setAttribute("aria-expanded", String(found.length > 0));
      const said = document.getElementById("said");
      if (said && query.trim()) said.textContent = found.length ? `${found.length} crates` : "No crate found";
      list.dataset.for = query;
    };
    input.addEventListener("input", show);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) return;
        event.preventDefault();
        choose(event.key === "ArrowDown" ? at + 1 : (at < 0 ? -1 : at - 1));
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        location.href = page(list.children[at].querySelector("b").textContent);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        close();
      }
    });
    if (input.value) show();
  };

  // The page of results ------------------------------------------------------------------------------------
  const results = (input) => {
    const list = document.getElementById("found");
    if (!list || input.dataset.attached) return;
    input.dataset.attached = "yes";
    const count = document.getElementById("found-count");
    const show = async () => {
      const query = input.value;
      const found = await search(query);
      if (query !== input.value) return;
      list.replaceChildren(...found.map((each) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        link.className = "item";
        link.href = page(each.name);
        const name = marked(each.name, plain(query.trim()));
        name.className = "item-name";
        link.append(name);
        const text = document.createElement("p");
        text.textContent = each.description;
        item.append(link, text);
        return item;
      }));
      const number = found.length === SHOWN ? `The first ${SHOWN} crates` : found.length === 1 ? "1 crate" : `${found.length} crates`;
      count.textContent = !query.trim() ? "Type a name, a keyword, or a word of the description." : found.length ? `${number} for “${query.trim()}”.` : `No crate for “${query.trim()}”.`;
      document.getElementById("search-ways").hidden = found.length > 0;
      list.dataset.for = query;
    };
    input.addEventListener("input", () => {
      // A browser that opened the page from a disk may refuse a new address; the search goes on.
      try { history.replaceState(null, "", input.value ? `?q=${encodeURIComponent(input.value)}` : location.pathname); } catch { /* as before */ }
      show();
    });
    input.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const first = list.querySelector("a");
      if (first && list.dataset.for === input.value) location.href = first.href;
    });
    show();
  };

  window.csiSearch = { attach, search };
  const input = document.getElementById("find");
  if (document.getElementById("found") && input) {
    input.value = new URLSearchParams(location.search).get("q") || "";
    results(input);
    input.focus();
  }
})();
