// Words and elements. Names come from users: they only ever become text nodes, never markup.
"use strict";

window.cosmalloc = {
  bytes(count) {
    for (const [unit, name] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
      if (count >= unit) return `${+(count / unit).toFixed(2)} ${name}`;
    }
    return `${Math.round(count)} B`;
  },

  seconds(time) {
    if (time === 0) return "0 s";
    for (const [unit, name] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]) {
      if (Math.abs(time) >= unit) return `${+(time / unit).toFixed(3)} ${name}`;
    }
    return `${+(time * 1e9).toFixed(3)} ns`;
  },

  // An element; `attributes` by name, `onclick` a function; children are elements or text.
  element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "onclick") made.addEventListener("click", value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  },

  // A definition list of [term, text or element] pairs.
  pairs(rows) {
    const { element } = window.cosmalloc;
    return element("dl", { class: "pairs" }, ...rows.flatMap(([term, value]) =>
      [element("dt", {}, term), element("dd", {}, value)]));
  },
};
