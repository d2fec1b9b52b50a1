// One plan: its figures, the part of them that shows, and what is chosen.
"use strict";

const REST = 90; // milliseconds without a move

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
    this.linkTimeline();
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

  // --- seconds of steps, and steps of seconds ---

  linkTimeline() {
    const line = this.find("timeline");
    if (!line || !this.facts.seconds) return;
    let quiet = false, waiting = 0; // the other figure follows when the hand rests
    const follow = (from, to, convert) => from.change.connect(() => {
      if (quiet) return;
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        quiet = true;
        to.setv({ start: convert(from.start), end: convert(from.end) });
        quiet = false;
      }, REST);
    });
    follow(this.map.x_range, line.x_range, (step) => this.secondsAt(step));
    follow(line.x_range, this.map.x_range, (time) => this.stepAt(time));
  }

  secondsAt(step) {
    const { start, stop, end } = this.facts.seconds, at = Math.floor(step);
    if (step <= 0) return 0;
    if (at >= start.length) return end;
    return start[at] + (step - at) * (stop[at] - start[at]);
  }

  stepAt(time) {
    const { start, stop, end } = this.facts.seconds;
    if (time <= 0) return 0;
    if (time >= end) return start.length;
    let low = 0, high = start.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (start[middle] <= time) low = middle; else high = middle;
    }
    const lasts = stop[low] - start[low];
    return low + (lasts > 0 ? Math.min(1, Math.max(0, (time - start[low]) / lasts)) : 0);
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
    this.edges(wide > 2 ? 0.6 : 0.2);
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

  // Between rectangles of a pixel or two the edges would be all there is to see.
  edges(alpha) {
    for (const field of ["kind", "lifetime"]) {
      const { glyph } = this.find(`by-${field}`);
      if (glyph.line_alpha.value !== alpha) glyph.line_alpha = { value: alpha };
    }
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
