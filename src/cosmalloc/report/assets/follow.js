// The other figures show the part of the program that the map shows, and it follows them.
"use strict";

const REST = 90; // milliseconds without a move
const MANY = 1500; // steps that take long to draw

// Seconds of steps, and steps of seconds; within a step both go evenly.
class Clock {
  // seconds: { start, stop } of every step, and the end of it all.
  constructor(seconds) { this.seconds = seconds; }

  secondsAt(step) {
    const { start, stop, end } = this.seconds, at = Math.floor(step);
    if (step <= 0) return 0;
    if (at >= start.length) return end;
    return start[at] + (step - at) * (stop[at] - start[at]);
  }

  stepAt(time) {
    const { start, stop, end } = this.seconds;
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
}

function linkFigures(sheet) {
  const same = (step) => step, line = sheet.find("timeline"), clock = sheet.clock;
  link(sheet, sheet.find("occupancy").x_range, same, same);
  if (line && clock) {
    link(sheet, line.x_range, (step) => clock.secondsAt(step), (time) => clock.stepAt(time));
  }
}

// A range that shows the map's steps: at once where that is cheap, else when the hand rests.
function link(sheet, range, ofStep, toStep) {
  let ours = false;
  const follow = (from, to, convert) => {
    let waiting = 0;
    const move = () => {
      ours = true;
      to.setv({ start: convert(from.start), end: convert(from.end) });
      ours = false;
    };
    from.change.connect(() => {
      if (ours) return;
      clearTimeout(waiting);
      if (sheet.facts.steps <= MANY) move();
      else waiting = setTimeout(move, REST);
    });
  };
  follow(sheet.map.x_range, range, ofStep);
  follow(range, sheet.map.x_range, toStep);
}
