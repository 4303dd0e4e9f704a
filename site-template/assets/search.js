// Search without a server: `cargo_static_index/site/search.py` in a browser, over the same two lists, radix trees of small
// scripts, so that they can be read from a disk too: `search/names` finds crates by how their names begin,
// `search/words` by words, the best of each first. A part names those below it by the next character, and a search
// reads only those on its way. What is shown of a crate is in its own `row.js`.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const END = "!";
  const LETTERS = 32; // of a word that the lists hold,
  const WRITTEN = 120; // and what they may take in a file's name
  const STEM = 4;
  const DOUBLED = "aeilosz";
  const WEIGHTS = [10, 8, 6, 6, 3, 2]; // of a word by where it was found: name, keyword, category, …
  const WEIGHT_OF_RANK = 0.5;
  const LESS_FOR_OTHER_WORDS = 0.5;
  const BEGINS = 0.5;
  const NEARLY = 0.25;
  const EXACT = 1000;
  const LEFT_OF_WORD = 4;
  const MOST_WORDS = 6;
  const MOST_ROWS = 600; // of words that one search reads: with their parts and the rows of crates below 100 KB
  const MOST_BEGINNING = 150;
  const MOST_NEAR = 3;
  const SHOWN = 20;
  const STOP_WORDS = new Set("a an and are as at be by for from in is it its of on or that the this to with".split(" "));
  const ENDINGS = ("izations isations ization isation ations ation ating ators ator ated ates ate izers izer izing ized izes ize "
    + "ities ity ments ment ings ing ions ion ers er ors or able ible ly ed es").split(" ");
  const SIGNS = { "c++": "cpp", "c#": "csharp", "f#": "fsharp", ".net": "dotnet" };
  const STANDARD = new Set(["std", "core", "alloc", "crate", "self", "super"]);

  // Parts --------------------------------------------------------------------------------------------------
  const parts = new Map();
  window.csiPart = (part) => { document.currentScript.csiPart = part; };
  const safe = (text) => text.replace(/[^a-z0-9-]/gu, (found) => `_${found.codePointAt(0).toString(16)}_`);
  const script = (path) => {
    if (!parts.has(path)) {
      parts.set(path, new Promise((done) => {
        const element = document.createElement("script");
        element.src = root + path.split("/").map(encodeURIComponent).join("/");
        element.onload = () => { done(element.csiPart || null); element.remove(); };
        element.onerror = () => { done(null); element.remove(); };
        document.head.append(element);
      }));
    }
    return parts.get(path);
  };
  const part = (list, prefix) => script(prefix ? `${list}/${safe(prefix)}.js` : `${list}.js`);
  const byKey = ([one], [other]) => (one < other ? -1 : 1); // else a browser puts numbers first

  // Give the first rows whose keys begin with `start` (`most`, or some more), and how many there are in all.
  const beginning = async (list, start, most, prefix = "") => {
    const node = await part(list, prefix);
    if (!node) return { rows: [], total: 0 };
    const rows = Object.entries(node.rows).filter(([key]) => `${key}${END}`.startsWith(start)).sort(byKey);
    const ways = [];
    let [total, left] = [rows.length, most];
    for (const [below, size] of Object.entries(node.parts).sort(byKey)) {
      const within = below.startsWith(start);
      if (!within && !start.startsWith(below)) continue;
      if (within) total += size;
      if (left > 0) ways.push(beginning(list, start, left, below).then((found) => ({ ...found, within })));
      left -= within ? size : left;
    }
    for (const found of await Promise.all(ways)) {
      rows.push(...found.rows);
      if (!found.within) total += found.total;
    }
    return { rows, total };
  };

  // Words --------------------------------------------------------------------------------------------------
  const normal = (text) => text.normalize("NFKC").toLowerCase();
  const cut = (word) => {
    let left = WRITTEN;
    return [...word].slice(0, LETTERS).filter((letter) => (left -= safe(letter).length) >= 0).join("");
  };
  const words = (text) => {
    const plain = normal(text).replace(/(^|[^a-z0-9])(c\+\+|c#|f#|\.net)(?![a-z0-9])/g, (_, before, sign) => `${before} ${SIGNS[sign]} `);
    return (plain.replace(/([a-z])[-_](?=[0-9])/g, "$1").match(/[\p{L}\p{N}\p{M}]+/gu) || []).map(cut);
  };
  const isTelling = (word) => (word.length > 1 || word > "~") && !STOP_WORDS.has(word);
  const stem = (whole) => {
    let word = whole;
    if (word.length < STEM || !/^[a-z]+$/.test(word)) return word;
    if (!/(ss|us)$/.test(word)) {
      const end = ENDINGS.find((each) => word.endsWith(each) && word.length - each.length >= STEM);
      word = end ? word.slice(0, -end.length) : word.replace(/s$/, "");
    }
    if (word.length >= STEM) word = word.replace(/e$/, "");
    if (word.length >= STEM && word.at(-1) === word.at(-2) && !DOUBLED.includes(word.at(-1))) word = word.slice(0, -1);
    return word.length >= STEM ? word.replace(/y$/, "i") : word;
  };

  // What is typed ------------------------------------------------------------------------------------------
  const crateOf = (typed) => {
    const [head, ...rest] = typed.replace(/@[v=^~]*[0-9].*/, "").split("::");
    return STANDARD.has(head) ? rest.filter((each) => !STANDARD.has(each)).join(" ") : head;
  };
  const asked = (query) => {
    const text = normal(query).trim().replace(/^(?:cargo (?:add|install|info|search)|use|extern crate) +(?=[^ ])/, "");
    const named = text.split(/\s+/).filter((each, at) => at === 0 || !/^[v=^~]*[0-9]+(?:\.[0-9x*]+)*(?:-[0-9a-z.]+)?$/.test(each));
    const every = words(named.map(crateOf).join(" ").replaceAll("_", "-"));
    const telling = every.filter((word, at) => (at < every.length - 1 ? isTelling(word) : !STOP_WORDS.has(word)));
    const whole = every.join("-");
    const first = [...new Set(telling.length ? telling : every)].slice(0, MOST_WORDS);
    return { words: first, whole, joined: whole.replaceAll("-", "") };
  };

  // The order ----------------------------------------------------------------------------------------------
  const halvings = (number) => (number < 1 ? 0 : number.toString(2).length);
  const raise = (weights, key, weight) => weights.set(key, Math.max(weights.get(key) || 0, weight));
  const search = async (query) => {
    const wanted = asked(query);
    if (!wanted.words.length) return [];
    const crates = new Map();
    const exact = new Set();
    const named = async (start, most) => {
      const { rows } = await beginning("search/names", start, most);
      for (const [key, row] of rows) crates.set(key, row);
      return rows.map(([key]) => key);
    };
    const led = async (start, most, share) => {
      const { rows, total } = await beginning("search/words", start, most);
      const weights = new Map();
      for (const [at, [name, field, rank, year]] of rows) {
        const key = at.slice(at.lastIndexOf(" ") + 1);
        crates.set(key, [name, rank, year]);
        raise(weights, key, share * WEIGHTS[field]);
      }
      return { weights, total };
    };
    const { total: all } = await beginning("search/names", "", 0);
    for (const start of new Set([wanted.whole, wanted.joined])) for (const key of await named(start + END, 1)) exact.add(key);
    for (const key of (await led(`${wanted.joined} `, 1, 1)).weights.keys()) if (key.replaceAll("-", "") === wanted.joined) exact.add(key);
    const begun = await named(wanted.whole, MOST_BEGINNING);
    const hitsOf = async (word, isLast) => {
      let { weights, total } = await led(`${stem(word)} `, Math.floor(MOST_ROWS / wanted.words.length), 1);
      if (isLast) {
        const started = isTelling(word) ? (await led(word, MOST_BEGINNING, BEGINS)).weights : [];
        for (const [key, weight] of started) raise(weights, key, weight);
        for (const key of begun) raise(weights, key, BEGINS * WEIGHTS[0]);
      }
      const known = weights.size > 0;
      const least = Math.max(LEFT_OF_WORD, Math.floor(([...word].length + 1) / 2));
      for (let shorter = [...word].slice(0, -1); !weights.size && shorter.length >= least; shorter = shorter.slice(0, -1)) {
        ({ weights, total } = await led(shorter.join(""), MOST_BEGINNING, NEARLY));
      }
      return { weights, known, total };
    };
    const hits = await Promise.all(wanted.words.map((word, at) => hitsOf(word, at === wanted.words.length - 1)));
    if (hits.some((each) => each.weights.size) && !hits.every((each) => each.known)) {
      const nearEnough = await nearest(wanted.whole);
      const nearly = nearEnough.filter(({ away }) => away === Math.min(...nearEnough.map((each) => each.away)));
      for (const { key, row } of nearly) crates.set(key, row);
      hits.push({ weights: new Map(nearly.map(({ key }) => [key, WEIGHTS[0]])), total: nearly.length });
    }
    const telling = hits.map(({ total }) => 1 + halvings(Math.floor(all / (1 + total))));
    const most = Math.max(...telling);
    const scores = new Map([...exact].map((key) => [key, 0]));
    hits.forEach(({ weights }, at) => {
      for (const [key, weight] of weights) scores.set(key, (scores.get(key) || 0) + weight * telling[at] / most);
    });
    const stemmed = new Set(wanted.words.map(stem));
    const found = [...scores].map(([key, counted]) => {
      const [name, rank, year] = crates.get(key);
      const others = words(key).filter((word) => !stemmed.has(stem(word))).length;
      let score = counted + (WEIGHT_OF_RANK * Math.max(rank, 0) - LESS_FOR_OTHER_WORDS * others);
      if (exact.has(key)) score += EXACT;
      return { name, key, score, year, yanked: rank < 0 };
    });
    return found.sort((one, other) => one.yanked - other.yanked || other.score - one.score || other.year - one.year
      || one.key.length - other.key.length || (one.key < other.key ? -1 : 1));
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
  // Names that were perhaps meant: they begin alike, or with their first letters swapped.
  const nearest = async (wanted) => {
    if (wanted.length < 3) return [];
    const [a, b, c] = wanted;
    const allowed = wanted.length < 5 ? 1 : 2;
    for (const start of new Set([a + b + c, a + c + b, b + a + c, a + b, a + c, a])) {
      const { rows } = await beginning("search/names", start, MOST_BEGINNING);
      const found = rows.map(([key, row]) => ({ key, row, away: distance(key, wanted) })).filter(({ away }) => away <= allowed);
      if (found.length) return found;
    }
    return [];
  };
  const near = async (query) => {
    const found = await nearest(asked(query).whole);
    found.sort(({ key: one, row: [, rank], away }, { key: other, row: [, its], away: further }) => (rank < 0) - (its < 0)
      || away - further || its - rank || one.length - other.length || (one < other ? -1 : 1));
    return found.slice(0, MOST_NEAR).map(({ key, row: [name] }) => ({ name, key }));
  };

  // What is shown ------------------------------------------------------------------------------------------
  const about = async (name) => await script(`crates/${name}/row.js`) || { name };
  const wholeOf = (text) => asked(text).whole;
  const page = (name) => `${root}crates/${encodeURIComponent(name)}/index.html`;
  const marked = (text, asked) => {
    const box = document.createElement("b");
    const at = normal(text).replaceAll("_", "-").indexOf(asked);
    if (at < 0 || !asked) { box.textContent = text; return box; }
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + asked.length);
    box.append(text.slice(0, at), mark, text.slice(at + asked.length));
    return box;
  };

  const counted = (found) => (found.length === 1 ? "1 crate" : `${found.length} crates`);

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
      text.textContent = each.description || "";
      return option(page(each.name), "", marked(each.name, asked), text);
    };
    const all = (query, text) => option(`${root}search.html?q=${encodeURIComponent(query)}`, "drop-all", text);
    const show = async () => {
      const query = input.value;
      const asked = query.trim();
      const found = asked ? await search(query) : [];
      const meant = asked && !found.length ? await near(query) : [];
      if (query !== input.value) return;
      const shown = await Promise.all((found.length ? found.slice(0, 6) : meant).map((each) => about(each.name)));
      if (query !== input.value) return;
      const more = found.length ? "Show all that was found" : meant.length ? "No crate is called that; what to try" : "No crate found; what to try";
      list.replaceChildren(...shown.map((each) => crate(each, wholeOf(asked))), ...(asked ? [all(asked, more)] : []));
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
    const element = (kind, name, ...content) => {
      const made = document.createElement(kind);
      made.className = name;
      made.append(...content);
      return made;
    };
    const toCopy = (text) => {
      const code = document.createElement("code");
      code.textContent = text;
      const button = element("button", "copy-button", "Copy");
      button.type = "button";
      button.setAttribute("aria-label", `Copy: ${text}`);
      // A line that is wider than its place scrolls, and who has no mouse scrolls what has the focus (WCAG 2.1.1).
      const line = element("pre", "", code);
      line.tabIndex = 0;
      line.setAttribute("role", "group");
      line.setAttribute("aria-label", text);
      const box = element("div", "copy", line, button);
      window.csiCopies?.(button);
      return box;
    };
    const line = (each, asked) => {
      const name = marked(each.name, asked);
      name.className = "item-name";
      const link = element("a", "item", name);
      link.href = page(each.name);
      const item = element("li", "", link);
      about(each.name).then((crate) => {
        if (!crate.vers) return;
        link.append(" ", element("span", "vers", crate.vers));
        if (crate.yanked) link.append(" ", element("span", "tag tag-warn", "yanked"));
        if (crate.kind) link.append(" ", element("span", "tag", crate.kind));
        item.append(element("span", "item-note", crate.updated || ""));
        if (crate.description) item.append(element("p", "", crate.description));
        if (crate.keywords) item.append(element("p", "item-tags", ...crate.keywords.flatMap((keyword) => [tagged(keyword), " "])));
        item.append(toCopy(`cargo ${crate.kind === "program" ? "install" : "add"} ${crate.name}${list.dataset.registry}`));
      });
      return item;
    };
    const tagged = (keyword) => {
      const tag = element("a", "", `#${keyword}`);
      tag.href = `${root}search.html?q=${encodeURIComponent(keyword)}`;
      return tag;
    };
    let most = SHOWN;
    const more = document.getElementById("found-more");
    more.addEventListener("click", async () => { most += SHOWN; await show(); });
    const show = async () => {
      const query = input.value;
      const asked = query.trim();
      const found = await search(query);
      const meant = asked && !found.length ? await near(query) : [];
      if (query !== input.value) return;
      const shown = found.length ? found.slice(0, most) : meant;
      const kept = list.dataset.for === query ? list.children.length : 0; // a longer list begins as it was
      if (kept > shown.length || !kept) list.replaceChildren();
      list.append(...shown.slice(list.children.length).map((each) => line(each, wholeOf(asked))));
      more.hidden = shown.length >= found.length;
      list.dataset.exact = String(found.length > 0);
      const none = meant.length ? `No crate for “${asked}”. Did you mean:` : `No crate for “${asked}”.`;
      count.textContent = !asked ? "Type a name, or what a crate is to do." : found.length ? `${counted(found)} for “${asked}”.` : none;
      document.getElementById("search-ways").hidden = found.length > 0;
      document.title = asked ? `${asked} · ${title}` : title;
      list.dataset.for = query;
    };
    input.addEventListener("input", () => {
      most = SHOWN;
      // A browser that opened the page from a disk may refuse a new address; the search goes on.
      try { history.replaceState(null, "", input.value ? `?q=${encodeURIComponent(input.value)}` : location.pathname); } catch { /* as before */ }
      show();
    });
    input.form.addEventListener("submit", (event) => event.preventDefault());
    const links = () => [...list.querySelectorAll("a.item")];
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

  window.csiSearch = { attach, search, near, stem };
  const input = document.getElementById("find");
  if (document.getElementById("found") && input) {
    input.value = queried();
    results(input);
    input.focus();
  }
})();
