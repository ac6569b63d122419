// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// One row a label: intervals to drag, probabilities behind them, proposals as outlines.

import { INK, LINE, hatch, labelColour, prepare } from "/labelling/canvas.js";
import { drawRuler } from "/labelling/timeline.js";

export const RULER = 20; // pixels
export const ROW = 28;
const EDGE = 6; // pixels beside an edge at which it can be dragged
const SHORT = 4; // pixels: less is a click

export class Tracks {
  // act(request) asks for an edit, select(selection) for another selection, seek(time) for another cursor.
  constructor(canvas, { act, select, seek }) {
    Object.assign(this, { canvas, act, select, seek, drag: null, selection: null, writable: false });
    canvas.addEventListener("pointerdown", (event) => this._down(event));
    canvas.addEventListener("pointermove", (event) => this._move(event));
    canvas.addEventListener("pointerup", (event) => this._up(event));
    canvas.addEventListener("pointercancel", () => { this.drag = null; });
    canvas.addEventListener("dblclick", () => {
      if (this.selection?.proposal) this.act({ type: "accept", ...this.selection });
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const along = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
      if (along) this.timeline.scroll(along / canvas.clientWidth * this.timeline.length);
      else this.timeline.zoom(Math.exp(event.deltaY * 0.0015), this._time(event.offsetX));
    }, { passive: false });
  }

  open(timeline, labels) {
    Object.assign(this, { timeline, labels, drag: null, selection: null, opinion: null });
  }

  // running: {label: start of the stretch that is being labelled}
  draw(state, position, running) {
    this.state = state;
    const { context, width, height } = prepare(this.canvas);
    const view = this.timeline;
    const x = (time) => view.x(time, width);
    context.fillStyle = "#ffffff";
    context.fillRect(0, RULER, width, height - RULER);
    context.fillStyle = this._hatch ??= hatch(context);
    for (const [start, end] of state.unlabelled) context.fillRect(x(start), RULER, x(end) - x(start), height);
    drawRuler(context, view, width, RULER);
    context.fillStyle = "rgba(224, 161, 0, 0.9)";
    for (const [start, end] of state.doubtful) context.fillRect(x(start), RULER - 3, Math.max(2, x(end) - x(start)), 3);
    this.labels.forEach((label, index) => {
      const top = RULER + index * ROW;
      const colour = labelColour(label.name, index);
      context.strokeStyle = LINE;
      context.lineWidth = 1;
      context.strokeRect(-1, top - 0.5, width + 2, ROW);
      this._probability(context, label, top, colour, width);
      const drag = this.drag?.label === label.name ? this.drag : null;
      for (const [start, end] of state.tracks[label.name] ?? []) {
        const moved = drag?.edge && drag.start === start && drag.end === end;
        this._block(context, x(moved ? drag.newStart : start), x(moved ? drag.newEnd : end), top, colour);
      }
      if (drag && !drag.edge && drag.moved) this._block(context, x(drag.newStart), x(drag.newEnd), top, colour, 0.5);
      if (label.name in running) this._block(context, x(running[label.name]), x(position), top, colour, 0.6);
    });
    for (const [label, start, end] of state.proposals) {
      this._outline(context, x(start), x(end), this._row(label), labelColour(label, this._index(label)), [4, 3]);
    }
    if (this.selection) {
      const { label, start, end } = this.selection;
      if (!this.drag?.edge) this._outline(context, x(start), x(end), this._row(label), INK, []);
    }
    context.fillStyle = INK;
    context.fillRect(x(position) - 0.75, 0, 1.5, height);
  }

  _index(label) {
    return this.labels.findIndex((each) => each.name === label);
  }

  _row(label) {
    return RULER + this._index(label) * ROW;
  }

  _block(context, left, right, top, colour, alpha = 0.82) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(left, top + 5, Math.max(2, right - left), ROW - 10, 3);
    context.fill();
    context.globalAlpha = 1;
  }

  _outline(context, left, right, top, colour, dash) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    context.roundRect(left, top + 4, Math.max(3, right - left), ROW - 8, 3);
    context.stroke();
    context.setLineDash([]);
  }

  // The model's probability as a strip over the height of the row, with its threshold.
  _probability(context, label, top, colour, width) {
    const column = this.opinion?.labels.indexOf(label.name) ?? -1;
    if (column < 0) return;
    const { ends, p, count, interval, thresholds } = this.opinion;
    const view = this.timeline;
    const first = Math.max(0, lowerBound(ends, view.start) - 1);
    const last = Math.min(ends.length, lowerBound(ends, view.end) + 2);
    const step = Math.max(1, Math.floor((last - first) / width));
    const y = (value) => top + ROW - 1 - value * (ROW - 2);
    context.globalAlpha = 0.2;
    context.fillStyle = colour;
    for (let index = first; index < last; index += step) {
      let most = 0;
      for (let k = index; k < Math.min(last, index + step); k += 1) most = Math.max(most, p[k * count + column] / 255);
      const left = view.x(ends[index], width);
      const right = view.x(ends[index] + step * interval, width);
      if (most > 0) context.fillRect(left, y(most), right - left + 0.5, top + ROW - 1 - y(most));
    }
    context.globalAlpha = 0.45;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.setLineDash([1, 4]);
    context.beginPath();
    context.moveTo(0, y(thresholds[column]));
    context.lineTo(width, y(thresholds[column]));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  // Pointer

  _time(x) {
    return Math.round(this.timeline.time(x, this.canvas.clientWidth));
  }

  // The interval or proposal under the pointer, and the edge that is near it.
  _hit(event) {
    const label = this.labels[Math.floor((event.offsetY - RULER) / ROW)]?.name;
    if (event.offsetY < RULER || label === undefined) return {};
    const near = EDGE / this.canvas.clientWidth * this.timeline.length;
    const time = this._time(event.offsetX);
    let best = null;
    for (const [start, end] of this.state?.tracks[label] ?? []) {
      const inside = start <= time && time < end;
      const distance = Math.min(Math.abs(time - start), Math.abs(time - end));
      if (!inside && distance > near) continue;
      const edge = distance > near ? null : Math.abs(time - start) < Math.abs(time - end) ? "start" : "end";
      if (!best || inside) best = { label, start, end, edge };
    }
    const proposal = this.state?.proposals.find(([name, a, b]) => name === label && a <= time && time < b);
    if (!best && proposal) best = { label, start: proposal[1], end: proposal[2], edge: null, proposal: true };
    return { label, time, hit: best };
  }

  _down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const { label, time, hit } = this._hit(event);
    this.canvas.focus();
    if (label === undefined) {
      this.drag = { scrub: true };
      this.seek(this._time(event.offsetX));
    } else {
      const { start = time, end = time, edge = null } = hit ?? {};
      this.drag = { label, edge, start, end, hit, from: event.offsetX, newStart: start, newEnd: end, moved: false };
    }
  }

  _move(event) {
    if (!this.drag) {
      const { label, hit } = this._hit(event);
      this.canvas.style.cursor = label === undefined ? "col-resize" : hit?.edge ? "ew-resize" : hit ? "pointer" : "crosshair";
      return;
    }
    const time = this._time(event.offsetX);
    const { drag } = this;
    if (drag.scrub) this.seek(time);
    else {
      drag.moved ||= Math.abs(event.offsetX - drag.from) >= SHORT;
      if (!drag.moved || !this.writable) return;
      if (drag.edge === "start") drag.newStart = Math.min(time, drag.end - 1);
      else if (drag.edge === "end") drag.newEnd = Math.max(time, drag.start + 1);
      else {
        const origin = this._time(drag.from);
        [drag.newStart, drag.newEnd] = [Math.min(origin, time), Math.max(origin, time)];
      }
    }
  }

  _up() {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.scrub) return;
    if (!drag.moved) this.select(drag.hit ? { ...drag.hit } : null, drag.hit ? null : this._time(drag.from));
    else if (this.writable && drag.edge) {
      const { label, start, end, newStart, newEnd } = drag;
      this.act({ type: "trim", label, start, end, newStart, newEnd });
    } else if (this.writable) this.act({ type: "add", label: drag.label, start: drag.newStart, end: drag.newEnd });
  }
}

export function lowerBound(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
