// What the page of a crate asks of its neighbours: whether what it needs is held here, in a version that it takes.
"use strict";
(() => {
  // Requirements as cargo reads them (cargo's book: "Specifying Dependencies"; the semver crate).
  const version = (text) => {
    const [, numbers, pre] = /^([^-+]*)(?:-([^+]*))?/.exec(text);
    return { numbers: numbers.split(".").map(BigInt), pre: pre ? pre.split(".") : [] };
  };
  const compare = (one, other) => (one < other ? -1 : Number(one > other));
  // Numbers stand before words; a release stands behind its pre-releases.
  const comparePre = (one, other) => {
    if (!one.length || !other.length) return compare(other.length, one.length) && (one.length ? -1 : 1);
    for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
      const isNumber = [one[at], other[at]].map((part) => /^\d+$/.test(part));
      const difference = isNumber[0] !== isNumber[1]
        ? (isNumber[0] ? -1 : 1)
        : isNumber[0] ? compare(BigInt(one[at]), BigInt(other[at])) : compare(one[at], other[at]);
      if (difference) return difference;
    }
    return compare(one.length, other.length);
  };
  const comparators = (text) => text.split(",").map((part) => {
    const [, sign, rest] = /^\s*(>=|<=|[=<>~^])?\s*(\S*)\s*$/.exec(part);
    const [, numbers, pre] = /^([^-+]*)(?:-([^+]*))?/.exec(rest);
    const given = numbers.split(".");
    const wild = given.findIndex((each) => /^[*xX]$/.test(each));
    const kept = (wild < 0 ? given : given.slice(0, wild)).map(BigInt);
    return { op: sign || (wild < 0 ? "^" : "="), given: kept, pre: pre ? pre.split(".") : [] };
  });
  const meets = ({ op, given, pre }, { numbers, pre: found }) => {
    const share = (count) => given.slice(0, count).every((each, at) => each === numbers[at]);
    let order = 0;
    for (let at = 0; at < given.length && !order; at += 1) order = compare(numbers[at], given[at]);
    if (!order && given.length === 3) order = comparePre(found, pre);
    const whole = given.length === 3 || !found.length;
    if (op === "^") return order >= 0 && share(given[0] ? 1 : given[1] ? 2 : 3);
    if (op === "~") return order >= 0 && whole && share(2);
    return (order > 0 && op[0] === ">") || (order < 0 && op[0] === "<") || (!order && whole && op.includes("="));
  };
  const satisfies = (vers, req) => {
    if (/^\s*[*xX]\s*$/.test(req)) return !version(vers).pre.length;
    const wanted = comparators(req);
    const found = version(vers);
    const same = (each) => each.pre.length && each.given.every((number, at) => number === found.numbers[at]);
    return wanted.every((each) => meets(each, found)) && (!found.pre.length || wanted.some(same));
  };
  window.csiSatisfies = satisfies;

  // A list of dependents is there for all that somebody needs, held or not, and names the newest version.
  const asked = new Map();
  const ask = (address) => {
    if (!asked.has(address)) asked.set(address, fetch(address).then((answer) => answer.json()));
    return asked.get(address);
  };
  const whatIsMissing = async (crate, req) => {
    const { newest } = (await ask(`${crate}/dependents.json`)).about;
    if (!newest) return "not held here";
    if (satisfies(newest, req)) return "";
    const { versions } = await ask(`${crate}/index.json`);
    return versions.some((each) => !each.yanked && satisfies(each.vers, req)) ? "" : "no such version here";
  };
  const needs = [...document.querySelectorAll("[data-needs]")];
  if (!needs.length || location.protocol === "file:") return;
  const box = document.querySelector(".lacking");
  const mark = (row, missing) => {
    const { req, required } = row.dataset;
    const tag = document.createElement("span");
    tag.className = "tag tag-warn";
    tag.textContent = missing;
    row.append(" ", tag);
    if (!box || required === undefined) return;
    const item = document.createElement("li");
    const where = required ? ` on ${required}` : "";
    item.textContent = `Needs ${row.querySelector(".need").textContent} ${req}${where}: ${missing}.`;
    box.hidden = false;
    box.append(item);
  };
  const asking = needs.map((row) => whatIsMissing(row.dataset.needs, row.dataset.req));
  Promise.allSettled(asking).then((answers) => {
    answers.forEach((answer, at) => { if (answer.value) mark(needs[at], answer.value); });
    if (answers.every((answer) => answer.status === "fulfilled")) document.querySelector(".not-asked").remove();
  });
})();
