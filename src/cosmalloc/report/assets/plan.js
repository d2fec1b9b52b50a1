// One plan: its figures, the part of them that shows, and what is chosen.
"use strict";

class PlanSheet {
  constructor(number, facts, find) {
    this.number = number;
    this.facts = facts;
    this.find = (name) => find(`${name}-${number}`);
    this.map = this.find("map");
    this.stays = this.find("stays").data;
    this.count = this.stays.left.length;
    this.full = { across: [0, Math.max(1, facts.steps)], up: [0, this.map.y_range.end] };
    this.byStart = [...this.stays.left.keys()].sort((a, b) =>
      this.stays.left[a] - this.stays.left[b] || this.stays.bottom[a] - this.stays.bottom[b]);
    this.chosen = null;
    this.whenChosen = () => {};
    this.clock = facts.seconds && new Clock(facts.seconds);
    linkFigures(this);
    this.map.x_range.change.connect(() => this.labelSoon());
    this.map.y_range.change.connect(() => this.labelSoon());
    this.map.properties.inner_width.change.connect(() => this.labelSoon());
    this.labelSoon();
  }

  // --- which part shows ---

  across() { return [this.map.x_range.start, this.map.x_range.end]; }
  up() { return [this.map.y_range.start, this.map.y_range.end]; }

  show(across, up) {
    const [left, right] = inside(across, this.full.across, 2);
    const [low, high] = inside(up || this.up(), this.full.up, 1);
    this.map.x_range.setv({ start: left, end: right });
    this.map.y_range.setv({ start: low, end: high });
  }

  reset() { this.show(this.full.across, this.full.up); }

  // Larger by `factor` around the middle; addresses too where `both`.
  zoom(factor, both = true) {
    this.show(around(this.across(), factor), both ? around(this.up(), factor) : this.up());
  }

  pan(right, upward) {
    const [a, b] = this.across(), [c, d] = this.up();
    this.show([a + right * (b - a), b + right * (b - a)], [c + upward * (d - c), d + upward * (d - c)]);
  }

  goToStep(step) {
    const wide = Math.min(40, this.facts.steps);
    this.show([step + 0.5 - wide / 2, step + 0.5 + wide / 2], this.full.up);
    this.choose({ step });
  }

  goToStay(stay) {
    const { left, right, bottom, top } = this.stays;
    const wide = Math.max(10, 2.5 * (right[stay] - left[stay]));
    const high = Math.max(this.full.up[1] / 8, 4 * (top[stay] - bottom[stay]));
    const [x, y] = [(left[stay] + right[stay]) / 2, (bottom[stay] + top[stay]) / 2];
    this.show([x - wide / 2, x + wide / 2], [y - high / 2, y + high / 2]);
    this.choose({ stay });
  }

  // --- what is chosen: {stay} or {step} or null ---

  choose(what) {
    this.chosen = what;
    const stay = what && what.stay;
    this.mark(stay !== undefined && stay !== null ? [stay] : []);
    this.whenChosen(what);
  }

  mark(stays) {
    const pick = (key) => stays.map((stay) => this.stays[key][stay]);
    this.find("chosen").data =
      { left: pick("left"), right: pick("right"), bottom: pick("bottom"), top: pick("top") };
  }

  // The next residency (by start, then address) in a direction, from the one chosen.
  next(direction) {
    if (!this.count) return;
    const now = this.chosen && this.chosen.stay;
    const at = now === undefined || now === null ? -1 : this.byStart.indexOf(now);
    const from = at < 0 && direction < 0 ? 0 : at;
    this.goToStay(this.byStart[(from + direction + this.count) % this.count]);
  }

  // The residency under a point; of two in place the newer one.
  stayAt(step, byte) {
    const { left, right, bottom, top } = this.stays;
    let found = null;
    for (let i = 0; i < this.count; i++) {
      if (left[i] <= step && step < right[i] && bottom[i] <= byte && byte < top[i]
        && (found === null || left[i] > left[found])) found = i;
    }
    return found;
  }

  onChip(step) {
    const { left, right, bottom, top } = this.stays;
    return [...left.keys()].filter((i) => left[i] <= step && step < right[i])
      .sort((a, b) => (top[b] - bottom[b]) - (top[a] - bottom[a]));
  }

  // --- names in the rectangles that have room for them ---

  labelSoon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.label(), REST);
  }

  label() {
    const [a, b] = this.across(), [c, d] = this.up();
    const wide = (this.map.inner_width || 0) / (b - a), high = (this.map.inner_height || 0) / (d - c);
    const { left, right, bottom, top, lifetime, tensor } = this.stays;
    this.coarsen(wide);
    const old = document.querySelector("input[name=colour]:checked").value === "lifetime";
    const middle = Math.max(1, this.longest()) * 0.45;
    const data = { x: [], y: [], text: [], colour: [] };
    for (let i = 0; i < this.count && data.x.length < 300; i++) {
      const l = Math.max(a, left[i]), r = Math.min(b, right[i]);
      const f = Math.max(c, bottom[i]), t = Math.min(d, top[i]);
      if ((r - l) * wide < 42 || (t - f) * high < 13) continue;
      data.x.push((l + r) / 2);
      data.y.push((f + t) / 2);
      data.text.push(cut(this.facts.tensors.name[tensor[i]], Math.floor((r - l) * wide / 7)));
      data.colour.push(old && lifetime[i] < middle ? "#ffffff" : "#000000");
    }
    this.find("labels").data = data;
  }

  // With steps of few pixels: edges between rectangles would be all there is to see, dashes would
  // be lost in the curves, and both take long to draw. wide: pixels per step.
  coarsen(wide) {
    const alpha = wide > 2 ? 0.6 : wide > 0.5 ? 0.2 : 0;
    if (alpha !== this.alpha) {
      for (const field of ["kind", "lifetime"]) this.find(`by-${field}`).glyph.line_alpha = { value: alpha };
    }
    const dashed = alpha > 0;
    if (dashed !== this.dashed) {
      for (const { glyph } of this.find("occupancy").renderers) {
        const [dashes] = glyph.tags;
        if (dashes) glyph.line_dash = { value: dashed ? dashes : [] };
      }
    }
    Object.assign(this, { alpha, dashed });
  }

  longest() {
    if (this.most === undefined) this.most = this.stays.lifetime.reduce((m, v) => Math.max(m, v), 0);
    return this.most;
  }
}

// The range, `factor` times finer, with `fixed` (else its middle) where it was.
function around([a, b], factor, fixed = (a + b) / 2) {
  return [fixed - (fixed - a) / factor, fixed + (b - fixed) / factor];
}

// The range moved into the limits, at least `least` wide.
function inside([a, b], [low, high], least) {
  const wide = Math.min(Math.max(b - a, least), high - low), middle = (a + b) / 2;
  const start = Math.min(Math.max(middle - wide / 2, low), high - wide);
  return [start, start + wide];
}

// A name in so many letters: its beginning and its end.
function cut(name, letters) {
  if (name.length <= letters) return name;
  const end = Math.floor(letters / 2);
  return letters < 3 ? "" : `${name.slice(0, letters - 1 - end)}…${name.slice(-end)}`;
}
