// What pages can do beyond being read: copy a line, switch the scheme, search as you type.
"use strict";
(() => {
  const root = document.documentElement;
  const said = document.getElementById("said");
  const say = (text) => { if (said) said.textContent = text; };

  // Copy ---------------------------------------------------------------------------------------------------
  const legacyCopy = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  // From a disk, or over http, browsers give no clipboard; the old way still works there.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return legacyCopy(text);
    }
  };
  // Code of a README gets its button here: without scripts it could do nothing.
  for (const pre of document.querySelectorAll(".prose pre:not(.plain)")) {
    const box = document.createElement("div");
    const button = document.createElement("button");
    box.className = "copy";
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: this code");
    pre.replaceWith(box);
    box.append(pre, button);
  }
  const copies = (button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling.textContent);
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      button.classList.toggle("is-done", done);
      say(done ? "Copied" : "It could not be copied");
      button.focus();
      setTimeout(() => {
        button.textContent = "Copy";
        button.classList.remove("is-done");
        say("");
      }, 1600);
    });
  };
  document.querySelectorAll(".copy-button").forEach(copies);
  window.csiCopies = copies; // search results come later

  // Images that do not come give way to their text; that for the other scheme may come later ---------------
  for (const image of document.querySelectorAll(".prose img")) {
    const text = document.createElement("small");
    text.className = "unseen";
    text.textContent = image.alt;
    const fail = () => {
      image.hidden = true;
      if (image.alt) image.after(text);
    };
    image.addEventListener("error", fail);
    image.addEventListener("load", () => {
      image.hidden = false;
      text.remove();
    });
    if (image.complete && !image.naturalWidth) image.decode().catch(fail); // before there was a script
  }

  // Versions that are not the newest ----------------------------------------------------------------------
  // No old version's page is written anew for a newer one, so it asks; from a disk it cannot, and leads to the crate.
  const newest = document.querySelector(".newest");
  if (newest && location.protocol !== "file:") {
    fetch(newest.dataset.crate).then((answer) => answer.json()).then((crate) => {
      const versions = crate.versions.map((release) => release.vers);
      const isNewer = versions.indexOf(crate.newest) < versions.indexOf(newest.dataset.version);
      const link = newest.firstElementChild;
      newest.hidden = !isNewer;
      link.textContent = crate.newest;
      link.href = `../${encodeURIComponent(crate.newest)}/index.html`;
      newest.append(" is newer.");
    }).catch(() => {});
  }

  // Tables that are filtered ------------------------------------------------------------------------------
  for (const input of document.querySelectorAll("[data-filter]")) {
    const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
    input.closest(".filter").hidden = false;
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      say(`${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`);
    });
  }

  // Scheme -------------------------------------------------------------------------------------------------
  const names = { auto: "Auto", light: "Light", dark: "Dark" };
  // The first press is to show something: it switches to the scheme that the system does not have.
  const order = matchMedia("(prefers-color-scheme: dark)").matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
  const theme = document.querySelector(".theme");
  if (theme) {
    // Pictures for one scheme go by what the system has; here they go by the switch.
    const pictures = [...document.querySelectorAll('source[media*="prefers-color-scheme"]')];
    const wanted = pictures.map((source) => source.media);
    const show = () => {
      const now = root.dataset.theme || "auto";
      pictures.forEach((source, at) => {
        source.media = now === "auto" ? wanted[at] : wanted[at].includes(now) ? "all" : "not all";
        const image = source.parentElement.querySelector("img[hidden]");
        if (image) image.loading = "eager"; // what is hidden is never scrolled to
      });
      theme.firstElementChild.textContent = names[now];
      theme.setAttribute("aria-label", `Colour scheme: ${names[now]}`);
    };
    theme.hidden = false;
    show();
    theme.addEventListener("click", () => {
      const next = order[(order.indexOf(root.dataset.theme || "auto") + 1) % order.length];
      if (next === "auto") delete root.dataset.theme;
      else root.dataset.theme = next;
      try {
        if (next === "auto") localStorage.removeItem("theme");
        else localStorage.setItem("theme", next);
      } catch {
        // It holds for this page.
      }
      show();
      say(`Colour scheme: ${names[next]}`);
    });
    // Switched in another window, or on a later page before the way back to this one.
    const follow = () => {
      let chosen = null;
      try { chosen = localStorage.getItem("theme"); } catch { return; }
      if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
      else delete root.dataset.theme;
      show();
    };
    addEventListener("storage", (event) => { if (event.key === "theme" || event.key === null) follow(); });
    addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  }

  // Search -------------------------------------------------------------------------------------------------
  let loading = null;
  const load = () => {
    loading ??= new Promise((done, failed) => {
      if (window.csiSearch) { done(); return; }
      const script = document.createElement("script");
      script.src = root.dataset.search;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
    return loading;
  };
  for (const input of document.querySelectorAll(".find input")) {
    input.addEventListener("focus", () => { load().then(() => window.csiSearch.attach(input)); }, { once: true });
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const input = document.querySelector(".find-big input") || document.querySelector(".find input");
      if (input) {
        event.preventDefault();
        input.focus();
        input.select();
      }
    }
  });
})();
