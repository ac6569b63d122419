// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// Helpers for canvases: sharp on every screen, and the colours of the page.

export const INK = "#1f2933";
export const MUTED = "#697586";
export const LINE = "#e3e7ec";
const PALETTE = ["#d1495b", "#2e86ab", "#8f5db7", "#3c7d4f", "#c77a0a", "#4a4e69", "#0b8a94", "#a0522d", "#b83280"];
const SENSORS = ["#1f4e79", "#7aa6c2", "#b5651d", "#6b8e23", "#7d5ba6", "#5f6b76"];

export function labelColour(label, index) {
  return label === "ignore" ? "#8a939c" : PALETTE[index % PALETTE.length];
}

export function sensorColour(index) {
  return SENSORS[index % SENSORS.length];
}

// A context in CSS pixels, cleared, with the canvas as large as it is shown.
export function prepare(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// Diagonal lines: time that nobody has labelled yet.
export function hatch(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = "#cfd6de";
  pen.lineWidth = 1;
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

// 75.2 s as 1:15.2
export function clockText(ns, digits = 1) {
  const seconds = Math.max(0, ns) / 1e9;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? 3 + digits : 2, "0")}`;
}
