// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The window of time that tracks and curves show, and the overview of the whole recording above them.

import { INK, LINE, MUTED, clockText, hatch, labelColour, prepare } from "/labelling/canvas.js";

const SHORTEST = 2e9; // ns
const FIRST = 30e9;
const FOLLOW = 0.7; // of the width: there the cursor stays while it plays

export class Timeline {
  constructor(duration) {
    this.duration = Math.max(1, duration);
    this.start = 0;
    this.length = Math.min(FIRST, this.duration);
  }

  get end() {
    return this.start + this.length;
  }

  x(time, width) {
    return (time - this.start) / this.length * width;
  }

  time(x, width) {
    return this.start + x / width * this.length;
  }

  zoom(factor, around) {
    const share = (around - this.start) / this.length;
    this.length = Math.min(this.duration, Math.max(SHORTEST, this.length * factor));
    this._move(around - share * this.length);
  }

  scroll(by) {
    this._move(this.start + by);
  }

  // Keep the cursor in sight.
  follow(position, playing) {
    if (playing && position > this.start + FOLLOW * this.length) this._move(position - FOLLOW * this.length);
    if (position < this.start || position > this.end) this._move(position - 0.2 * this.length);
  }

  _move(start) {
    this.start = Math.max(0, Math.min(this.duration - this.length, start));
  }
}

// Seconds between ticks that leave room for their text.
export function tickStep(length, width) {
  const least = length / 1e9 / Math.max(1, width / 70);
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find((each) => each >= least) ?? 3600;
}

export class Overview {
  constructor(canvas, onSeek) {
    this.canvas = canvas;
    const seek = (event) => {
      if (this.duration) onSeek(event.offsetX / canvas.clientWidth * this.duration);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) seek(event);
    });
  }

  draw(timeline, state, labels, position) {
    this.duration = timeline.duration;
    const { context, width, height } = prepare(this.canvas);
    const x = (time) => time / timeline.duration * width;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, width, height);
    context.fillStyle = this._hatch ??= hatch(context);
    for (const [start, end] of state.unlabelled) context.fillRect(x(start), 0, x(end) - x(start), height);
    const row = (height - 6) / labels.length;
    labels.forEach((label, index) => {
      context.fillStyle = labelColour(label.name, index);
      for (const [start, end] of state.tracks[label.name] ?? []) {
        context.fillRect(x(start), index * row, Math.max(1, x(end) - x(start)), Math.max(1, row - 0.5));
      }
    });
    context.fillStyle = "#e0a100";
    for (const [start, end] of state.doubtful) context.fillRect(x(start), height - 5, Math.max(1, x(end) - x(start)), 5);
    context.strokeStyle = "#5b6b7c";
    context.lineWidth = 1;
    context.strokeRect(x(timeline.start) + 0.5, 0.5, Math.max(3, x(timeline.end) - x(timeline.start) - 1), height - 1);
    context.fillStyle = INK;
    context.fillRect(x(position) - 0.75, 0, 1.5, height);
  }
}

export function drawRuler(context, timeline, width, height) {
  const step = tickStep(timeline.length, width) * 1e9;
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = MUTED;
  context.strokeStyle = LINE;
  context.lineWidth = 1;
  for (let time = Math.ceil(timeline.start / step) * step; time <= timeline.end; time += step) {
    const x = Math.round(timeline.x(time, width)) + 0.5;
    context.beginPath();
    context.moveTo(x, height - 5);
    context.lineTo(x, context.canvas.clientHeight);
    context.stroke();
    context.fillText(clockText(time, step < 1e9 ? 1 : 0), x + 3, height - 6);
  }
}
