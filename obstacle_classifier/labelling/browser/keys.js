// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// Labelling by keys: a label's key is held down while the label is there, or pressed when it comes and when it goes.

export const HELP = [
  ["Space", "play or pause"],
  ["1 … 9, 0", "label while it plays: hold or press twice; 0 is ignore"],
  ["← →", "one interval back or on; with Shift 1 s, with Ctrl 10 s"],
  ["↑ ↓", "faster, slower"],
  ["Home End", "to the beginning, to the end"],
  ["N P", "next or previous proposal or doubtful stretch"],
  ["A R", "accept or reject the selected proposal"],
  ["[ ]", "move the start or end of the selected interval to the cursor"],
  ["S", "split the selected interval at the cursor"],
  ["Del", "delete the selected interval"],
  ["M", "mark the whole recording as labelled"],
  ["Ctrl Z, Ctrl Shift Z", "undo, redo"],
  ["+ −", "zoom in, zoom out"],
  ["?", "show or hide these keys"],
];

// The stretches that are being labelled: {label: {wall, position}}.
export class Marks {
  constructor() {
    this.running = {};
  }

  start(label, wall, position) {
    this.running[label] = { wall, position };
  }

  has(label) {
    return label in this.running;
  }

  // The request that ends a stretch; `open` means that nobody let go: the playback stopped.
  end(label, wall, open = false) {
    const { wall: down } = this.running[label];
    delete this.running[label];
    return { type: "mark", label, down, up: wall, open };
  }

  endAll(wall) {
    return Object.keys(this.running).map((label) => this.end(label, wall, true));
  }

  // Since when, by the browser's clock, a label is running; null if none is.
  get since() {
    const walls = Object.values(this.running).map((each) => each.wall);
    return walls.length ? Math.min(...walls) : null;
  }
}

// The number of the label whose key it is, 0 for ignore; null for other keys.
export function labelNumber(event) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return found && !event.ctrlKey && !event.metaKey && !event.altKey ? Number(found[1]) : null;
}

export function isTyping(event) {
  return event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), select, textarea");
}
