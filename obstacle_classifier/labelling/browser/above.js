// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The view from above: the robot looks up, one dot a point.

import { LINE, MUTED, prepare, sensorColour } from "/labelling/canvas.js";

const RANGE = "sensor_msgs/msg/Range";

export class AboveView {
  constructor(canvas) {
    this.canvas = canvas;
    this.scale = 42; // pixels per m
    this.drawn = 0; // frames with a new message
    this._newest = "";
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.scale = Math.min(200, Math.max(6, this.scale * Math.exp(-event.deltaY * 0.001)));
    }, { passive: false });
  }

  open(sensors, corridor) {
    this.sensors = sensors;
    this.corridor = corridor;
  }

  draw(frames) {
    const { context, width, height } = prepare(this.canvas);
    const [x0, y0] = [width / 2, height * 0.8];
    this._grid(context, width, height, x0, y0);
    if (this.corridor) this._corridor(context, x0, y0);
    this.sensors.forEach(({ name, type }, index) => {
      const frame = frames[name];
      if (!frame) return;
      if (type === RANGE) this._arc(context, frame.points, x0, y0, sensorColour(index));
      else this._dots(context, frame.points, x0, y0, sensorColour(index));
    });
    this._robot(context, x0, y0);
    const newest = Object.values(frames).map((frame) => frame.time).join();
    if (newest !== this._newest) this.drawn += 1;
    this._newest = newest;
  }

  _grid(context, width, height, x0, y0) {
    const step = [0.5, 1, 2, 5, 10, 20].find((each) => each * this.scale >= 36) ?? 50;
    context.strokeStyle = LINE;
    context.fillStyle = MUTED;
    context.font = "10px system-ui, sans-serif";
    context.lineWidth = 1;
    for (let radius = step; radius * this.scale < Math.hypot(width, height); radius += step) {
      context.beginPath();
      context.arc(x0, y0, radius * this.scale, 0, 2 * Math.PI);
      context.stroke();
      if (y0 - radius * this.scale > 8) context.fillText(`${radius} m`, x0 + 4, y0 - radius * this.scale - 3);
    }
    context.beginPath();
    context.moveTo(x0, 0);
    context.lineTo(x0, height);
    context.moveTo(0, y0);
    context.lineTo(width, y0);
    context.stroke();
  }

  _corridor(context, x0, y0) {
    const { front, length, width } = this.corridor;
    const box = [x0 - width / 2 * this.scale, y0 - (front + length) * this.scale, width * this.scale, length * this.scale];
    context.fillStyle = "rgba(46, 134, 171, 0.07)";
    context.strokeStyle = "rgba(46, 134, 171, 0.7)";
    context.fillRect(...box);
    context.strokeRect(...box);
  }

  _dots(context, points, x0, y0, colour) {
    context.fillStyle = colour;
    const scale = this.scale / 100;
    const size = this.scale > 25 ? 2.5 : 1.5;
    for (let index = 0; index < points.length; index += 2) {
      context.fillRect(x0 - points[index + 1] * scale - size / 2, y0 - points[index] * scale - size / 2, size, size);
    }
  }

  _arc(context, points, x0, y0, colour) {
    if (points.length < 4) return;
    context.strokeStyle = colour;
    context.globalAlpha = 0.75;
    context.lineWidth = 2;
    context.beginPath();
    for (let index = 0; index < points.length; index += 2) {
      context.lineTo(x0 - points[index + 1] * this.scale / 100, y0 - points[index] * this.scale / 100);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  _robot(context, x0, y0) {
    context.fillStyle = "#1f2933";
    context.beginPath();
    context.moveTo(x0, y0 - 9);
    context.lineTo(x0 + 6, y0 + 7);
    context.lineTo(x0, y0 + 4);
    context.lineTo(x0 - 6, y0 + 7);
    context.fill();
  }
}
