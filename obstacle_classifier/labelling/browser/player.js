// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The playing clock, and the messages around the cursor. Times of the recording are ns since its start.

const SECOND = 1e9;
const TILE = SECOND; // messages are fetched by the second
const KEPT = 40; // tiles
const IN_FLIGHT = 2;
const FRAMES_A_SECOND = 30; // drawn at most; a tile has no more messages of a sensor than can be shown

export class Player {
  // onChange(wall, position, speed) hears of every change of the playback.
  constructor(onChange) {
    this.onChange = onChange;
    this.duration = 0;
    this.speed = 1;
    this.playing = false;
    this._anchor = { wall: 0, position: 0 };
    this._tiles = new Map();
    this._waiting = new Set();
    this._generation = 0;
  }

  open(number, duration) {
    this._generation += 1;
    this._tiles.clear();
    this._waiting.clear();
    Object.assign(this, { number, duration, playing: false });
    this._set(0);
  }

  position(wall = now()) {
    const { wall: since, position } = this._anchor;
    const passed = this.playing ? (wall - since) * this.speed * SECOND : 0;
    return Math.min(Math.max(0, this.duration - 1), Math.max(0, position + passed));
  }

  get atEnd() {
    return this.position() >= this.duration - 1;
  }

  play() {
    if (this.atEnd) this._set(0);
    this.playing = true;
    this._set(this._anchor.position);
  }

  pause() {
    const position = this.position();
    this.playing = false;
    this._set(position);
  }

  seek(position) {
    this._set(position);
  }

  setSpeed(speed) {
    const position = this.position();
    this.speed = speed;
    this._set(position);
  }

  _set(position) {
    const inside = Math.min(Math.max(0, this.duration - 1), Math.max(0, Math.round(position)));
    this._anchor = { wall: now(), position: inside };
    this.onChange(this._anchor.wall, inside, this.playing ? this.speed : 0);
  }

  // The newest message of each sensor at or before the cursor: {sensor: {time, points}}.
  frames(position) {
    const tile = Math.floor(position / TILE);
    const found = {};
    for (const index of [tile - 1, tile]) {
      for (const [sensor, frames] of Object.entries(this._tiles.get(index)?.sensors ?? {})) {
        for (const frame of frames) if (frame.time <= position) found[sensor] = frame;
      }
    }
    return found;
  }

  // Fetch what is shown now or soon. Nothing queues up: at most two requests are on their way.
  prefetch() {
    const position = this.position();
    const wanted = this.playing ? Math.max(4, Math.min(40, Math.ceil(FRAMES_A_SECOND / this.speed))) : 40;
    const first = Math.floor(position / TILE);
    const ahead = this.playing ? Math.ceil(this.speed * 1.5) + 1 : 0;
    const order = [first];
    for (let step = 1; step <= ahead; step += 1) order.push(first + step);
    order.push(first - 1);
    for (const index of order) {
      if (this._waiting.size >= IN_FLIGHT) return;
      const there = this._tiles.get(index);
      const exists = index >= 0 && index * TILE < this.duration;
      if (exists && !this._waiting.has(index) && !(there && there.count >= wanted)) this._fetch(index, wanted);
    }
  }

  async _fetch(index, count) {
    const generation = this._generation;
    this._waiting.add(index);
    try {
      const query = `start=${index * TILE}&end=${(index + 1) * TILE}&count=${count}`;
      const { listed, body } = await fetchPacked(`/recordings/${this.number}/frames?${query}`);
      if (generation !== this._generation) return;
      const sensors = {};
      let offset = 0;
      for (const [sensor, time, length] of listed) {
        const points = new Int16Array(body, offset, 2 * length);
        offset += 4 * length;
        (sensors[sensor] ??= []).push({ time, points });
      }
      this._tiles.set(index, { count, sensors });
      const here = Math.floor(this.position() / TILE);
      const far = [...this._tiles.keys()].sort((a, b) => Math.abs(b - here) - Math.abs(a - here));
      for (const old of far.slice(0, Math.max(0, far.length - KEPT))) this._tiles.delete(old);
    } catch {
      await new Promise((resume) => setTimeout(resume, 500)); // the server is gone or busy: not at once again
    } finally {
      if (generation === this._generation) this._waiting.delete(index);
    }
  }
}

// Seconds of the browser's monotonic clock, which also stamps its events.
export function now() {
  return performance.now() / 1000;
}

// A JSON text and the bytes of arrays behind it.
export async function fetchPacked(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(await response.text());
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const listed = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { listed, body: buffer.slice(4 + length) };
}
