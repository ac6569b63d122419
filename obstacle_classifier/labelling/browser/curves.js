// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// Curves of the sensors with a few numbers a message. They are fetched in tiles for the window that is shown.

import { LINE, MUTED, INK, prepare, sensorColour } from "/labelling/canvas.js";
import { fetchPacked } from "/labelling/player.js";

export const CURVE_ROW = 34; // pixels
const TILE = 10e9; // ns
const BUCKETS = 200; // of a tile
const MOST_TILES = 12; // a longer window shows no curves
const KEPT = 60;

export class Curves {
  constructor(canvas) {
    this.canvas = canvas;
  }

  open(number, duration, sensors) {
    Object.assign(this, { number, duration, sensors, tiles: new Map(), limits: {}, waiting: null });
    this.generation = (this.generation ?? 0) + 1;
  }

  draw(timeline, position) {
    const { context, width, height } = prepare(this.canvas);
    const first = Math.floor(timeline.start / TILE);
    const last = Math.floor((timeline.end - 1) / TILE);
    const shown = last - first < MOST_TILES;
    if (shown) this._fetchOne(first, last);
    this.sensors.forEach(({ name, channels }, index) => {
      const top = index * CURVE_ROW;
      context.strokeStyle = LINE;
      context.lineWidth = 1;
      context.strokeRect(-1, top - 0.5, width + 2, CURVE_ROW);
      if (!shown) return;
      const limits = this.limits[name];
      channels.forEach((_, channel) => {
        context.fillStyle = sensorColour(channel);
        context.globalAlpha = 0.85;
        for (let tile = first; tile <= last; tile += 1) {
          const part = this.tiles.get(tile)?.[name];
          if (part) this._channel(context, timeline, part, channel, limits, tile, top, width);
        }
        context.globalAlpha = 1;
      });
    });
    if (!shown) {
      context.fillStyle = MUTED;
      context.font = "12px system-ui, sans-serif";
      context.fillText("Zoom in to see the curves", 12, 22);
    }
    context.fillStyle = INK;
    context.fillRect(timeline.x(position, width) - 0.75, 0, 1.5, height);
  }

  _channel(context, timeline, part, channel, limits, tile, top, width) {
    const [low, high] = limits[channel];
    const span = high > low ? high - low : 1;
    const y = (value) => top + CURVE_ROW - 4 - (value - low) / span * (CURVE_ROW - 8);
    const step = TILE / BUCKETS / timeline.length * width;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const least = part.low[channel * BUCKETS + bucket];
      if (Number.isNaN(least)) continue;
      const most = part.high[channel * BUCKETS + bucket];
      const x = timeline.x(tile * TILE + bucket * TILE / BUCKETS, width);
      context.fillRect(x, y(most) - 0.7, Math.max(1.2, step), Math.max(1.4, y(least) - y(most) + 1.4));
    }
  }

  // One request at a time: the first tile that is missing.
  async _fetchOne(first, last) {
    if (this.waiting !== null) return;
    for (let tile = first; tile <= last; tile += 1) {
      if (this.tiles.has(tile) || tile * TILE >= this.duration) continue;
      this.waiting = tile;
      break;
    }
    if (this.waiting === null) return;
    const { generation, waiting: tile } = this;
    try {
      const query = `start=${tile * TILE}&end=${(tile + 1) * TILE}&buckets=${BUCKETS}`;
      const { listed, body } = await fetchPacked(`/recordings/${this.number}/curves?${query}`);
      if (generation !== this.generation) return;
      const parts = {};
      let offset = 0;
      for (const [name, channels] of listed) {
        const size = channels * BUCKETS;
        parts[name] = { low: new Float32Array(body, offset, size), high: new Float32Array(body, offset + 4 * size, size) };
        offset += 8 * size;
        this._widen(name, parts[name], channels);
      }
      this.tiles.set(tile, parts);
      if (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
    } catch {
      await new Promise((resume) => setTimeout(resume, 1000)); // the server is gone or busy: not at once again
    } finally {
      if (generation === this.generation) this.waiting = null;
    }
  }

  _widen(name, { low, high }, channels) {
    const limits = this.limits[name] ??= Array.from({ length: channels }, () => [Infinity, -Infinity]);
    for (let channel = 0; channel < channels; channel += 1) {
      for (let bucket = channel * BUCKETS; bucket < (channel + 1) * BUCKETS; bucket += 1) {
        if (Number.isNaN(low[bucket])) continue;
        limits[channel][0] = Math.min(limits[channel][0], low[bucket]);
        limits[channel][1] = Math.max(limits[channel][1], high[bucket]);
      }
    }
  }
}
