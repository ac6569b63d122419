// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The pictures of a camera at the cursor: one request at a time, so that frames are dropped instead of queued.

const PERIOD = 0.1; // s between pictures while it plays

export class Pictures {
  constructor(image) {
    this.image = image;
  }

  open(number, camera) {
    Object.assign(this, { number, camera, shown: null, waiting: false, last: 0 });
    this.generation = (this.generation ?? 0) + 1;
  }

  async draw(position, wall) {
    const time = Math.floor(position);
    if (!this.camera || this.waiting || time === this.shown || wall - this.last < PERIOD) return;
    Object.assign(this, { waiting: true, last: wall, shown: time });
    const { generation } = this;
    try {
      const query = `camera=${encodeURIComponent(this.camera)}&time=${time}`;
      const response = await fetch(`/recordings/${this.number}/picture?${query}`);
      if (!response.ok || generation !== this.generation) return;
      const url = URL.createObjectURL(await response.blob());
      URL.revokeObjectURL(this.image.src);
      this.image.src = url;
    } catch {
      // The server is gone; the page says so.
    } finally {
      if (generation === this.generation) this.waiting = false;
    }
  }
}
