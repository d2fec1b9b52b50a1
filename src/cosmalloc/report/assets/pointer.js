// The pointer and the keys over the figures of one plan.
"use strict";

class Pointer {
  constructor(sheet, details, tip) {
    this.sheet = sheet;
    this.details = details;
    this.tip = tip;
    this.over(sheet.map, (x, y) => {
      const stay = sheet.stayAt(x, y);
      return stay === null ? null : { brief: details.brief(stay), go: () => sheet.choose({ stay }) };
    });
    this.over(sheet.find("occupancy"), (x) => this.stepTarget(Math.floor(x)));
    const line = sheet.find("timeline");
    if (line) this.over(line, (x, y) => this.slice(x, y));
  }

  // Hovering tells what `target(x, y)` says is there, clicking chooses it.
  over(plot, target) {
    plot.on_event("mousemove", (event) => {
      const found = target(event.x, event.y);
      if (found) this.show(found.brief); else this.hide();
    });
    plot.on_event("mousemove", (event) => { this.point = [event.x, event.y]; });
    plot.on_event("mouseleave", () => this.hide());
    plot.on_event("tap", (event) => {
      const found = target(event.x, event.y);
      if (found) found.go();
    });
    plot.on_event("doubletap", () => {
      const chosen = this.sheet.chosen;
      if (plot === this.sheet.map && chosen && chosen.stay !== undefined) this.sheet.goToStay(chosen.stay);
    });
  }

  stepTarget(step) {
    if (step < 0 || step >= this.sheet.facts.steps) return null;
    return { brief: this.details.stepBrief(step), go: () => this.sheet.choose({ step }) };
  }

  slice(x, y) {
    const row = ["stores", "loads", "stalls", "compute"][Math.floor(y)];
    if (!row || y - Math.floor(y) > 0.8) return null;
    const { left, right, index } = this.sheet.find(row).data;
    const at = left.findIndex((start, i) => start <= x && x < right[i]);
    if (at < 0) return null;
    const number = index[at], { transfers, waits, steps } = this.sheet.facts;
    if (row === "compute") return this.stepTarget(number);
    if (row === "stalls") {
      const step = Math.min(waits[number].border, steps - 1);
      return { brief: this.details.waitBrief(number), go: () => this.sheet.choose({ step }) };
    }
    const stays = this.sheet.facts.stays_of[transfers.tensor[number]] || [];
    const stay = stays.find((s) => this.sheet.stays.left[s] <= transfers.start[number]
      && transfers.stop[number] <= this.sheet.stays.right[s]);
    return { brief: this.details.copyBrief(number),
      go: () => stay !== undefined && this.sheet.choose({ stay }) };
  }

  show(rows) {
    this.tip.replaceChildren(window.cosmalloc.pairs(rows));
    this.tip.hidden = false;
    const { x, y } = Pointer.at, box = this.tip.getBoundingClientRect();
    const left = x + 16 + box.width > window.innerWidth ? x - 16 - box.width : x + 16;
    const top = y + 16 + box.height > window.innerHeight ? y - 16 - box.height : y + 16;
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
  }

  hide() { this.tip.hidden = true; }
}

Pointer.at = { x: 0, y: 0 };
document.addEventListener("pointermove", (event) => {
  Pointer.at = { x: event.clientX, y: event.clientY };
}, { capture: true, passive: true });

// Ctrl and the wheel zoom across, Shift and the wheel zoom addresses; the wheel alone scrolls.
function listenToWheel(element, sheet, pointer, plot) {
  element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    const factor = Math.exp(-(event.deltaY || event.deltaX) / 400), point = pointer.point;
    if (event.shiftKey) sheet.show(sheet.across(), around(sheet.up(), factor, point && plot === sheet.map ? point[1] : undefined));
    else {
      const step = point && (plot === sheet.find("timeline") ? sheet.clock.stepAt(point[0]) : point[0]);
      sheet.show(around(sheet.across(), factor, step));
    }
  }, { passive: false });
}

const KEYS = {
  ArrowLeft: (sheet) => sheet.pan(-0.15, 0),
  ArrowRight: (sheet) => sheet.pan(0.15, 0),
  ArrowUp: (sheet) => sheet.pan(0, 0.15),
  ArrowDown: (sheet) => sheet.pan(0, -0.15),
  "+": (sheet) => sheet.zoom(1.5),
  "=": (sheet) => sheet.zoom(1.5),
  "-": (sheet) => sheet.zoom(1 / 1.5),
  0: (sheet) => sheet.reset(),
  n: (sheet) => sheet.next(1),
  p: (sheet) => sheet.next(-1),
  Escape: (sheet) => sheet.choose(null),
};

function listenToKeys(frame, sheet) {
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
    event.preventDefault();
    KEYS[event.key](sheet);
  });
}
