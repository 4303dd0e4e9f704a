// Search without a server. The index is two radix trees of small scripts, so that a browser can read them from a disk
// too: `search/names` finds crates by how their names begin, `search/words` by words and by parts of names. A part
// names those below it by the next character, and a search reads only those on its way.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const MOST_ROWS = 600; // that one search reads below the parts it is led to: it stays below 100 KB
  const LEAF = 150; // rows that a part holds at most; one with more below it holds the ways to others,
  const BRANCH = 10; // which are as large as so many rows
  const SHOWN = 50;
  const MOST_WORDS = 6;
  const END = "!";
  const LETTERS = 32; // of a word that the lists hold,
  const WRITTEN = 120; // and what they may take in a file's name
  const DULL = new Set("a an and are as at be by for from in is it its of on or that the this to with".split(" "));

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

  // Give rows whose keys begin with `start`, by key. Of what `may.rows` allows at most `most` are read, a whole part
  // at a time: what a part holds is said by the one above it.
  const beginning = async (list, start, may, most = may.rows) => {
    const found = [];
    const least = may.rows - most;
    const walk = async (prefix) => {
      const node = await part(list, prefix);
      if (!node) return;
      for (const [key, row] of Object.entries(node.rows)) if (`${key}${END}`.startsWith(start)) found.push([key, row]);
      for (const [below, total] of Object.entries(node.parts)) {
        if (!below.startsWith(start) && !start.startsWith(below)) continue;
        const cost = total > LEAF ? BRANCH : total;
        if (below.startsWith(start) && may.rows - cost < least) continue;
        may.rows -= cost;
        await walk(below);
      }
    };
    await walk("");
    return found;
  };

  // Give how many rows have keys that begin with `start`, or more where one part has them all: what leads there says it.
  const howMany = async (list, start) => {
    let node = await part(list, "");
    while (node) {
      const below = Object.entries(node.parts);
      const within = below.filter(([prefix]) => prefix.startsWith(start));
      if (within.length) return within.reduce((sum, [, total]) => sum + total, 0);
      const way = below.find(([prefix]) => start.startsWith(prefix));
      if (!way) return Object.keys(node.rows).filter((key) => `${key}${END}`.startsWith(start)).length;
      if (way[1] <= LEAF) return way[1];
      node = await part(list, way[0]);
    }
    return 0;
  };

  // Searching ----------------------------------------------------------------------------------------------
  const plain = (text) => text.normalize("NFKC").toLowerCase().replaceAll("_", "-");
  const cut = (word) => {
    let left = WRITTEN;
    return [...word].slice(0, LETTERS).filter((letter) => (left -= safe(letter).length) >= 0).join("");
  };
  const words = (text) => (text.match(/[\p{L}\p{N}\p{M}]+/gu) || []).map(cut);
  const rank = (key, row, wanted, asked) => {
    if (key === wanted) return 0;
    if (key.startsWith(wanted)) return 1;
    if (key.includes(wanted)) return 2;
    const tags = words(plain(row[2]));
    return asked.every((word) => tags.includes(word)) ? 3 : 4;
  };
  // Give the crates that a word leads to, by key: a row's text need not hold it, since long descriptions are cut there.
  const withWord = async (word, may) => {
    const named = await beginning("search/names", word, may, may.rows / 4);
    const found = await beginning("search/words", word, may);
    return new Map([...named, ...found.map(([key, row]) => [key.slice(key.indexOf(" ") + 1), row])]);
  };
  const howManyWith = async (word) => await howMany("search/names", word) + await howMany("search/words", word);
  // Give those that another word leads to as well; most show it, so that its own part need not be read.
  const having = async (crates, word, may) => {
    const shows = (row) => plain(row.join(" ")).includes(word);
    if ([...crates.values()].every(shows)) return crates;
    const others = await withWord(word, may);
    return new Map([...crates].filter(([name, row]) => shows(row) || others.has(name)));
  };
  const search = async (query) => {
    const wanted = plain(query.trim()).replace(/\s+/g, "-");
    const typed = words(plain(query)).slice(0, MOST_WORDS);
    const telling = typed.filter((word) => !DULL.has(word)); // the lists hold no other words
    const asked = telling.length ? telling : typed;
    if (!asked.length) return [];
    const found = new Map();
    const may = { rows: MOST_ROWS };
    for (const [key, row] of await beginning("search/names", `${wanted}${END}`, may)) found.set(key, row);
    for (const [key, row] of await beginning("search/names", wanted, may, may.rows / 2)) found.set(key, row);
    const counts = await Promise.all(asked.map((word) => (asked.length > 1 ? howManyWith(word) : 1)));
    const rarest = asked[counts.indexOf(Math.min(...counts.filter((count) => count > 0)))] || asked[0];
    if (wanted.includes("-")) for (const [name, row] of await withWord(wanted, may)) found.set(name, row);
    let led = await withWord(rarest, may);
    for (const word of asked) if (word !== rarest) led = await having(led, word, may);
    for (const [name, row] of led) found.set(name, row);
    const missing = (row) => typed.filter((word) => !plain(row.join(" ")).includes(word)).length;
    return [...found]
      .map(([key, row]) => ({ name: row[0], description: row[1], rank: rank(key, row, wanted, asked), missing: missing(row), key }))
      .sort((one, other) => one.rank - other.rank || one.missing - other.missing || one.key.length - other.key.length || (one.key < other.key ? -1 : 1))
      .slice(0, SHOWN);
  };

  // Mistakes: how many letters are to be put in, left out, changed or swapped to make one of the other.
  const distance = (one, other) => {
    let [before, last] = [[], [...Array(other.length + 1).keys()]];
    for (let i = 1; i <= one.length; i += 1) {
      const row = [i];
      for (let j = 1; j <= other.length; j += 1) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + Number(one[i - 1] !== other[j - 1]));
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      [before, last] = [last, row];
    }
    return last[other.length];
  };
  // Where nothing was found: names that were perhaps meant. They begin alike, or with their first letters swapped.
  const near = async (query) => {
    const wanted = plain(query.trim()).replace(/\s+/g, "-");
    if (wanted.length < 3) return [];
    const [a, b, c] = wanted;
    const most = wanted.length < 5 ? 1 : 2;
    const found = new Map();
    for (const start of new Set([a + b + c, a + c + b, b + a + c, a + b, a + c, a])) {
      for (const [key, row] of await beginning("search/names", start, { rows: LEAF })) {
        const away = distance(key, wanted);
        if (away <= most) found.set(key, { name: row[0], description: row[1], away });
      }
      if (found.size) break;
    }
    return [...found.values()].sort((one, other) => one.away - other.away).slice(0, 3);
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

  const counted = (found) => (found.length === SHOWN ? `The first ${SHOWN} crates` : found.length === 1 ? "1 crate" : `${found.length} crates`);

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
      const items = [...list.querySelectorAll("[role=option]")];
      at = items.length ? (next + items.length) % items.length : -1;
      items.forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
      if (at < 0) input.removeAttribute("aria-activedescendant");
      else { input.setAttribute("aria-activedescendant", items[at].id); items[at].scrollIntoView({ block: "nearest" }); }
    };
    const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const option = (address, name, ...content) => {
      const item = document.createElement("li");
      item.className = name;
      item.dataset.goes = address;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.append(...content);
      item.addEventListener("pointerdown", (event) => event.preventDefault());
      item.addEventListener("click", () => { location.href = address; });
      return item;
    };
    const crate = (each, asked) => {
      const text = document.createElement("span");
      text.textContent = each.description;
      return option(page(each.name), "", marked(each.name, asked), text);
    };
    const all = (query, text) => option(`${root}search.html?q=${encodeURIComponent(query)}`, "drop-all", text);
    const show = async () => {
      const query = input.value;
      const asked = query.trim();
      const found = asked ? await search(query) : [];
      const meant = asked && !found.length ? await near(query) : [];
      if (query !== input.value) return;
      const shown = found.length ? found.slice(0, 6) : meant;
      const more = found.length ? "Show all that was found" : meant.length ? "No crate is called that; what to try" : "No crate found; what to try";
      list.replaceChildren(...shown.map((each) => crate(each, plain(asked))), ...(asked ? [all(asked, more)] : []));
      [...list.children].forEach((item, number) => { item.id = `${list.id}-${number}`; });
      at = -1;
      list.hidden = !asked;
      input.setAttribute("aria-expanded", String(!list.hidden));
      const said = document.getElementById("said");
      if (said && asked) said.textContent = found.length ? `${counted(found)} found` : meant.length ? `No crate found; ${meant.map((each) => each.name).join(", ")} perhaps` : "No crate found";
      list.dataset.for = query;
    };
    input.addEventListener("input", show);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) return;
        event.preventDefault();
        choose(event.key === "ArrowDown" ? at + 1 : (at < 0 ? -1 : at - 1));
      } else if (event.key === "Enter" && at >= 0 && !event.isComposing) {
        event.preventDefault();
        location.href = list.querySelectorAll("[role=option]")[at].dataset.goes;
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        close();
      }
    });
    if (input.value) show();
  };

  const queried = () => new URLSearchParams(location.search).get("q") || "";
  const title = document.title;

  // The page of results ------------------------------------------------------------------------------------
  const results = (input) => {
    const list = document.getElementById("found");
    if (!list || input.dataset.attached) return;
    input.dataset.attached = "yes";
    const count = document.getElementById("found-count");
    const line = (each, asked) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.className = "item";
      link.href = page(each.name);
      const name = marked(each.name, asked);
      name.className = "item-name";
      link.append(name);
      const text = document.createElement("p");
      text.textContent = each.description;
      item.append(link, text);
      return item;
    };
    const show = async () => {
      const query = input.value;
      const asked = query.trim();
      const found = await search(query);
      const meant = asked && !found.length ? await near(query) : [];
      if (query !== input.value) return;
      list.replaceChildren(...(found.length ? found : meant).map((each) => line(each, plain(asked))));
      list.dataset.exact = String(found.length > 0);
      const none = meant.length ? `No crate for “${asked}”. Did you mean:` : `No crate for “${asked}”.`;
      count.textContent = !asked ? "Type a name, a keyword, or a word of the description." : found.length ? `${counted(found)} for “${asked}”.` : none;
      document.getElementById("search-ways").hidden = found.length > 0;
      document.title = asked ? `${asked} · ${title}` : title;
      list.dataset.for = query;
    };
    input.addEventListener("input", () => {
      // A browser that opened the page from a disk may refuse a new address; the search goes on.
      try { history.replaceState(null, "", input.value ? `?q=${encodeURIComponent(input.value)}` : location.pathname); } catch { /* as before */ }
      show();
    });
    input.form.addEventListener("submit", (event) => event.preventDefault());
    const links = () => [...list.querySelectorAll("a")];
    input.addEventListener("keydown", async (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      await show();
      if (list.dataset.exact === "true" && list.dataset.for === input.value) location.href = links()[0].href;
    });
    // From the field down through what was found, and back.
    document.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const stops = [input, ...links()];
      const at = stops.indexOf(document.activeElement);
      if (!step || at < 0 || !stops[at + step]) return;
      event.preventDefault();
      stops[at + step].focus();
    });
    addEventListener("popstate", () => { input.value = queried(); show(); });
    show();
  };

  window.csiSearch = { attach, search };
  const input = document.getElementById("find");
  if (document.getElementById("found") && input) {
    input.value = queried();
    results(input);
    input.focus();
  }
})();
