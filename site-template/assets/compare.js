// Any two versions of a crate, compared in the browser: each version's own page holds its line of the index and its files.
"use strict";
(() => {
  const form = document.querySelector(".compare");
  if (!form || location.protocol === "file:") return;
  const result = document.querySelector(".compared");
  const [from, to] = form.querySelectorAll("select");
  const size = (bytes) => {
    if (bytes === null) return "";
    if (bytes < 1000) return `${bytes} B`;
    const [unit, by] = bytes < 999950 ? ["kB", 1e3] : bytes < 999950000 ? ["MB", 1e6] : ["GB", 1e9];
    return `${(bytes / by).toFixed(bytes / by < 100 ? 1 : 0)} ${unit}`;
  };
  const read = async (vers) => {
    const answer = await fetch(`${encodeURIComponent(vers)}/index.html`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const files = [...page.querySelectorAll("table.files tbody tr")];
    return {
      line: JSON.parse(page.querySelector(".line code").textContent),
      files: new Map(files.map((row) => [row.cells[0].textContent, row.cells[1].textContent])),
      cut: page.querySelector(".more-files") !== null,
    };
  };
  const features = ({ line }) => new Map(
    Object.entries({ ...line.features, ...line.features2 }).map(([name, values]) => [`Feature ${name}`, values.join(", ") || "nothing else"]),
  );
  const kinds = { normal: "Dependency", build: "Build dependency", dev: "Development dependency" };
  const says = (each) => [
    each.req,
    ...(each.optional ? ["optional"] : []),
    ...(each.default_features ? [] : ["without default features"]),
    ...(each.features.length ? [`with ${each.features.join(", ")}`] : []),
  ].join(", ");
  const dependencies = ({ line }, wanted) => new Map(line.deps.filter((each) => wanted(each)).map(
    (each) => [`${kinds[each.kind] || kinds.normal} ${each.name}${each.target ? ` on ${each.target}` : ""}`, says(each)],
  ));
  const differences = (old, now) => [...new Set([...old.keys(), ...now.keys()])].sort()
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => [key, old.get(key) ?? "—", now.get(key) ?? "—"]);
  const files = ({ files: all }) => new Map([...all].map(([path, bytes]) => [`File ${path}`, bytes]));
  // What who uses it feels comes first.
  const compare = (old, now, sizes) => [
    ...differences(features(old), features(now)),
    ...differences(new Map([["Rust version", old.line.rust_version ?? "—"]]), new Map([["Rust version", now.line.rust_version ?? "—"]])),
    ...differences(dependencies(old, (each) => each.kind !== "dev"), dependencies(now, (each) => each.kind !== "dev")),
    ...differences(dependencies(old, (each) => each.kind === "dev"), dependencies(now, (each) => each.kind === "dev")),
    ...differences(new Map([["Size", sizes[0]]]), new Map([["Size", sizes[1]]])),
    ...differences(files(old), files(now)),
  ];
  const show = (text, rows) => {
    result.querySelector("p").textContent = text;
    const body = result.querySelector("tbody");
    body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      row.forEach((value, at) => {
        const cell = document.createElement(at ? "td" : "th");
        if (!at) cell.scope = "row";
        cell.textContent = value;
        line.append(cell);
      });
      return line;
    }));
    result.querySelector(".scroll").hidden = !rows.length;
    result.hidden = false;
  };
  // The page names the newest versions; all of them, and their sizes, are asked for once somebody wants to compare.
  const fill = (versions) => {
    const chosen = [from.value, to.value];
    [from, to].forEach((select, at) => {
      select.replaceChildren(...versions.map((vers) => new Option(vers, vers)));
      if (chosen[at]) select.value = chosen[at];
    });
  };
  let asked = null;
  const ask = () => {
    asked ??= fetch("index.json").then((answer) => answer.json()).then(({ versions }) => {
      fill(versions.map((each) => each.vers));
      return new Map(versions.map((each) => [each.vers, size(each.size)]));
    });
    return asked;
  };
  const run = async (one, other) => {
    try {
      const [old, now, sizes] = await Promise.all([read(one), read(other), ask()]);
      [from.value, to.value] = [one, other];
      const rows = compare(old, now, [sizes.get(one), sizes.get(other)]);
      const nothing = rows.length ? "" : ": nothing that is known here differs";
      show(`${one} → ${other}${nothing}.${old.cut || now.cut ? " Not all files are listed." : ""}`, rows);
    } catch {
      show("These two could not be read just now.", []);
    }
  };
  fill([...document.querySelectorAll("table.versions tbody th a")].map((link) => link.textContent));
  to.value = document.querySelector("h1 .vers").textContent;
  from.selectedIndex = Math.min(to.selectedIndex + 1, from.length - 1);
  form.hidden = false;
  form.addEventListener("focusin", () => { ask().catch(() => {}); }, { once: true });
  const [, one, other] = /^#compare=(.+)\.\.\.(.+)$/.exec(decodeURIComponent(location.hash)) || [];
  if (one) run(one, other);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    history.replaceState(null, "", `#compare=${encodeURIComponent(from.value)}...${encodeURIComponent(to.value)}`);
    run(from.value, to.value);
  });
})();
