// Colours the code of a file in the browser. Each expression takes at once whatever it has looked at, so no text is slow.
"use strict";
(() => {
  const text = document.querySelector("pre.text[data-language]");
  const LONGEST = 300000;
  const words = (list) => `\\b(?:${list.split(" ").join("|")})\\b`;
  const rust = [
    ["c-c", String.raw`\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)`],
    ["c-s", String.raw`\b[bc]?r(?<hashes>#*)"(?:[^]*?"\k<hashes>|[^]*)|\b[bc]?"(?:[^"\\]|\\[^])*"?|"(?:[^"\\]|\\[^])*"?|b?'(?:[^'\\\n]|\\(?:u\{[0-9a-fA-F_]{1,8}\}|x[0-9a-fA-F]{2}|[^]))'`],
    ["c-a", String.raw`'[A-Za-z_]\w*|#!?\[[^\]\n]*\]?`],
    ["c-m", String.raw`\b[A-Za-z_]\w*!(?!=)`],
    ["c-n", String.raw`\b[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?|${words("true false None Some Ok Err")}`],
    ["c-k", words("as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait type union unsafe use where while")],
    ["c-t", String.raw`${words("bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize")}|\b[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\b`],
    ["c-f", String.raw`\b[a-z_]\w*(?=\()`],
    ["", String.raw`\w+`],
  ];
  const toml = [
    ["c-c", String.raw`#[^\n]*`],
    ["c-s", String.raw`"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\[^])*"?|'[^'\n]*'?`],
    ["c-t", String.raw`^[ \t]*\[[^\]\n]*\]+`],
    ["c-a", String.raw`^[ \t]*[\w.-]+(?=[ \t]*=)`],
    ["c-n", String.raw`\b(?:true|false|[0-9][\w.:+-]*)`],
    ["", String.raw`[\w-]+`],
  ];
  const rules = { rust, toml }[text?.dataset.language];
  if (!rules) return;
  const code = text.querySelector("code");
  const source = code.textContent;
  if (source.length > LONGEST) return;
  const token = new RegExp(rules.map(([, rule]) => `(${rule})`).join("|"), "gm");
  const coloured = document.createDocumentFragment();
  // Groups of rules, and the one with a name inside a rule, which has no colour.
  const groups = rules.flatMap(([name, rule]) => [name, ...(rule.includes("(?<") ? [null] : [])]);
  let done = 0;
  for (const found of source.matchAll(token)) {
    const name = groups.find((name, at) => name !== null && found[at + 1] !== undefined);
    if (!name || !found[0]) continue;
    coloured.append(source.slice(done, found.index));
    const span = document.createElement("span");
    span.className = name;
    span.textContent = found[0];
    coloured.append(span);
    done = found.index + found[0].length;
  }
  coloured.append(source.slice(done));
  code.replaceChildren(coloured);
})();
