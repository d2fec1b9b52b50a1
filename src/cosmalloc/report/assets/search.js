// Search: tensors and operators by a part of their name or source.
"use strict";

const MOST = 40; // results listed

function matches(facts, words) {
  const has = (text) => text.toLowerCase().includes(words);
  const { name } = facts.tensors, { operators, order } = facts;
  const tensors = [...name.keys()].filter((t) => facts.stays_of[t] && has(name[t]));
  const steps = [...order.keys()].filter(
    (s) => has(operators.name[order[s]]) || has(operators.location[order[s]]));
  return { tensors, steps };
}

class Search {
  constructor(sheets, input, results, count) {
    Object.assign(this, { sheets, input, results, count });
    input.addEventListener("input", () => this.find());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.results.querySelector("button")?.click();
      if (event.key === "Escape") { input.value = ""; this.find(); }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
        event.preventDefault();
        input.focus();
      }
    });
  }

  find() {
    const words = this.input.value.trim().toLowerCase();
    const found = [];
    for (const sheet of this.sheets) {
      const { tensors, steps } = words ? matches(sheet.facts, words) : { tensors: [], steps: [] };
      if (words) sheet.mark(tensors.flatMap((t) => sheet.facts.stays_of[t]));
      else sheet.choose(sheet.chosen);
      const which = this.sheets.length > 1 ? `${"AB"[sheet.number]}: ` : "";
      found.push(...tensors.map((t) => this.tensor(sheet, which, t)));
      found.push(...steps.map((step) => this.operator(sheet, which, step)));
    }
    this.results.replaceChildren(...found.slice(0, MOST).map((make) => make()));
    this.results.hidden = !found.length;
    this.count.textContent = !words ? "" : `${found.length} found`
      + (found.length > MOST ? `, ${MOST} shown` : "");
  }

  tensor(sheet, which, t) {
    const { name, kind, bytes } = sheet.facts.tensors, first = sheet.facts.stays_of[t][0];
    const words = `${kind[t]}, ${window.cosmalloc.bytes(bytes[t])}, from step ${sheet.stays.left[first]}`;
    return () => this.result(`${which}${name[t]}`, words, () => sheet.goToStay(first));
  }

  operator(sheet, which, step) {
    const index = sheet.facts.order[step], { name, kind } = sheet.facts.operators;
    return () => this.result(`${which}${name[index]}`, `operator, ${kind[index]}, step ${step}`,
      () => sheet.goToStep(step));
  }

  result(name, words, onclick) {
    const { element } = window.cosmalloc;
    return element("li", {}, element("button", { type: "button", onclick },
      element("strong", {}, name), ` ${words}`));
  }
}
