// What is said about a residency, a step, a copy: by hovering in brief, when chosen in full.
"use strict";

class Details {
  constructor(sheet, box) {
    this.sheet = sheet;
    this.facts = sheet.facts;
    this.box = box;
    sheet.whenChosen = (what) => this.fill(what);
  }

  fill(what) {
    if (!what) this.box.replaceChildren(this.hint());
    else if (what.stay !== undefined) this.box.replaceChildren(...this.stay(what.stay));
    else this.box.replaceChildren(...this.step(what.step));
  }

  hint() {
    return window.cosmalloc.element("p", { class: "quiet" },
      "Click a rectangle, a step or a slice, or search for a name.");
  }

  operator(step) {
    const index = this.facts.order[step], { name, kind, location } = this.facts.operators;
    return { name: name[index], kind: kind[index], location: location[index] };
  }

  // --- one residency ---

  brief(stay) {
    const { tensor, left, right } = this.sheet.stays, t = tensor[stay];
    const step = this.facts.tensors.made[t] === left[stay] ? left[stay] : this.firstUse(stay);
    const by = step === null ? null : this.operator(step);
    return [
      ["tensor", this.facts.tensors.name[t]],
      ["kind", this.facts.tensors.kind[t]],
      ["bytes", window.cosmalloc.bytes(this.facts.tensors.bytes[t])],
      ["steps", `${left[stay]} to ${right[stay] - 1}`],
      ...(by ? [[step === this.facts.tensors.made[t] ? "made by" : "first read by", by.name]] : []),
      ...(by && by.location ? [["source", by.location]] : []),
    ];
  }

  firstUse(stay) {
    const { tensor, ready, right } = this.sheet.stays;
    const found = this.facts.tensors.reads[tensor[stay]].find(
      (step) => ready[stay] <= step && step < right[stay]);
    return found === undefined ? null : found;
  }

  begins(stay) {
    const { left, load, ready, over, tensor } = this.sheet.stays;
    if (load[stay] >= 0) {
      return ready[stay] === left[stay]
        ? `by a load that blocks before step ${left[stay]}`
        : `by a load, issued before step ${left[stay]}, complete before step ${ready[stay]}`;
    }
    const by = this.operator(left[stay]);
    const place = over[stay] < 0 ? ""
      : `, in place over ${this.facts.tensors.name[tensor[over[stay]]]}`;
    return `made by ${by.name} (${by.kind}) in step ${left[stay]}${place}`;
  }

  ends(stay) {
    const { tensor, left, right } = this.sheet.stays, copies = this.facts.transfers;
    const stores = [...copies.kind.keys()].filter((i) => copies.kind[i] === "store"
      && copies.tensor[i] === tensor[stay] && left[stay] < copies.start[i] && copies.stop[i] <= right[stay]);
    const words = stores.map((i) => `stored off-chip before step ${copies.stop[i]}`);
    const heir = this.sheet.stays.over.indexOf(stay);
    words.push(heir < 0 ? `gone before step ${right[stay]}`
      : `in step ${right[stay] - 1} ${this.facts.tensors.name[tensor[heir]]} takes its bytes in place`);
    return words.join("; ");
  }

  stay(stay) {
    const { tensor, left, right, bottom, top } = this.sheet.stays, t = tensor[stay];
    const { element, pairs, bytes } = window.cosmalloc;
    const others = (this.facts.stays_of[t] || []).filter((other) => other !== stay);
    const reads = this.facts.tensors.reads[t];
    const made = this.facts.tensors.made[t];
    const source = made >= 0 ? this.operator(made) : null;
    return [
      element("h4", {}, this.facts.tensors.name[t]),
      pairs([
        ["kind", this.facts.tensors.kind[t]],
        ["bytes", `${bytes(top[stay] - bottom[stay])} at [${bottom[stay]}, ${top[stay]})`],
        ["steps", `[${left[stay]}, ${right[stay]})`],
        ["begins", this.begins(stay)],
        ["ends", this.ends(stay)],
        ...(source ? [["made by", this.stepButton(made)]] : []),
        ...(source && source.location ? [["source", source.location]] : []),
        ["read by", reads.length ? this.list(reads, (step) => this.stepButton(step)) : "nobody"],
        ...(others.length ? [["also on chip", this.list(others, (other) => this.stayButton(
          other, `steps [${left[other]}, ${right[other]})`))]] : []),
      ]),
    ];
  }

  // --- one step ---

  stepBrief(step) {
    const by = this.operator(step), { bytes, seconds } = window.cosmalloc;
    const time = this.facts.seconds;
    return [
      ["step", String(step)],
      ["operator", `${by.name} (${by.kind})`],
      ["on chip", bytes(this.facts.held[step])],
      ...(time ? [["takes", seconds(time.stop[step] - time.start[step])]] : []),
      ...(by.location ? [["source", by.location]] : []),
    ];
  }

  step(step) {
    const { element, pairs, bytes } = window.cosmalloc;
    const { tensor, left, right, bottom, top } = this.sheet.stays;
    const held = this.sheet.onChip(step);
    const beside = [step - 1, step + 1].filter((s) => 0 <= s && s < this.facts.steps);
    return [
      element("h4", {}, `step ${step}`),
      pairs([
        ...this.stepBrief(step).slice(1),
        ["holds", held.length ? this.list(held, (stay) => this.stayButton(
          stay, `${this.facts.tensors.name[tensor[stay]]}, ${bytes(top[stay] - bottom[stay])}`))
          : "nothing"],
        ["next to it", this.list(beside, (s) => this.stepButton(s))],
      ]),
    ];
  }

  // --- one slice of the timeline ---

  copyBrief(index) {
    const { tensor, kind, start, stop } = this.facts.transfers, t = tensor[index];
    return [
      [kind[index], this.facts.tensors.name[t]],
      ["bytes", window.cosmalloc.bytes(this.facts.tensors.bytes[t])],
      ["window", start[index] === stop[index] ? `blocks before step ${start[index]}`
        : `issued before step ${start[index]}, complete before step ${stop[index]}`],
    ];
  }

  waitBrief(index) {
    const { border, copies } = this.facts.waits[index], { kind, tensor } = this.facts.transfers;
    const names = copies.slice(0, 6).map((i) => `${kind[i]} of ${this.facts.tensors.name[tensor[i]]}`);
    if (copies.length > 6) names.push(`${copies.length - 6} more`);
    return [
      ["stall", border < this.facts.steps ? `step ${border} waits` : "the end waits"],
      ["for", names.join(", ")],
    ];
  }

  // --- lists of buttons ---

  list(items, button, most = 12) {
    const { element } = window.cosmalloc;
    const box = element("span", { class: "buttons" }, ...items.slice(0, most).map(button));
    if (items.length > most) {
      const more = element("button", { type: "button", class: "more", onclick: () =>
        more.replaceWith(...items.slice(most).map(button)) }, `${items.length - most} more`);
      box.append(more);
    }
    return box;
  }

  stepButton(step) {
    return window.cosmalloc.element("button", { type: "button", class: "link",
      onclick: () => this.sheet.goToStep(step) }, `${step}: ${this.operator(step).name}`);
  }

  stayButton(stay, words) {
    return window.cosmalloc.element("button", { type: "button", class: "link",
      onclick: () => this.sheet.goToStay(stay) }, words);
  }
}
