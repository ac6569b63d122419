// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The part of the page in which a recording is played and labelled. The server has the labels: this component sends
// requests and shows the state that comes back. It has the playing clock, so that the way to the server does no harm.

import { AboveView } from "/labelling/above.js";
import { clockText, labelColour, sensorColour } from "/labelling/canvas.js";
import { CURVE_ROW, Curves } from "/labelling/curves.js";
import { HELP, Marks, isTyping, labelNumber } from "/labelling/keys.js";
import { Pictures } from "/labelling/pictures.js";
import { Player, fetchPacked, now } from "/labelling/player.js";
import { TEMPLATE } from "/labelling/template.js";
import { Overview, Timeline } from "/labelling/timeline.js";
import { ROW, RULER, Tracks } from "/labelling/tracks.js";

const EMPTY = { tracks: {}, unlabelled: [], proposals: [], doubtful: [], undo: null, redo: null, share: 0 };
const TICK = 1; // s between reports of what was played

export default {
  template: TEMPLATE,
  props: { speeds: Array },
  emits: ["request"],
  data() {
    return {
      info: null, state: EMPTY, selection: null, playing: false, speed: 1, text: "0:00.0", mode: "hold", reaction: 0.3,
      snap: true, help: false, message: "", running: {}, camera: null, fps: 0, help_rows: HELP, CURVE_ROW, ROW, RULER,
    };
  },
  computed: {
    durationText() { return clockText(this.info?.duration ?? 0); },
    writable() { return Boolean(this.info) && !this.state.readOnly && !this.state.changedElsewhere; },
    selectionText() {
      if (!this.selection) return "Nothing selected";
      const { label, start, end, proposal } = this.selection;
      return `${proposal ? "Proposal" : "Interval"} ${label}, ${clockText(start)} to ${clockText(end)}`;
    },
  },
  created() {
    Object.assign(this, { marks: new Marks(), ticked: 0, reference: null }); // not reactive
    this.player = new Player((wall, position, speed) => this.request({ type: "transport", wall, position, speed }));
  },
  mounted() {
    const { above, overview, tracks, curves, picture } = this.$refs;
    this.view = new AboveView(above);
    this.overview = new Overview(overview, (time) => this.seek(time));
    this.trackView = new Tracks(tracks, {
      act: (request) => this.request(request),
      select: (selection, time) => { this.select(selection); if (time !== null) this.seek(time); },
      seek: (time) => this.seek(time),
    });
    this.curveView = new Curves(curves);
    this.pictures = new Pictures(picture);
    this.listeners = { keydown: this.onKey, keyup: this.onKeyUp, blur: () => this.finishMarks(), pagehide: () => this.pause() };
    for (const [name, listener] of Object.entries(this.listeners)) window.addEventListener(name, listener);
    this.loop = requestAnimationFrame(this.frame);
    window.labelling = this; // for scripts that drive the page
  },
  unmounted() {
    cancelAnimationFrame(this.loop);
    for (const [name, listener] of Object.entries(this.listeners)) window.removeEventListener(name, listener);
  },
  methods: {
    labelColour, sensorColour,
    request(request) { if (this.info) this.$emit("request", { number: this.info.number, ...request }); },

    // Called by the server

    open(info, state) {
      if (this.playing) this.pause();
      this.info = null; // no request while it changes
      this.player.open(info.number, info.duration);
      this.timeline = new Timeline(info.duration);
      this.view.open(info.above, info.corridor);
      this.trackView.open(this.timeline, info.labels);
      this.curveView.open(info.number, info.duration, info.curves);
      this.camera = info.cameras[0] ?? null;
      this.pictures.open(info.number, this.camera);
      Object.assign(this, { info, state, selection: null, message: info.note ?? "" });
      this.player.setSpeed(this.speed);
      this.sendSettings();
    },
    update(state, message) {
      this.state = state;
      if (message) this.message = message;
      if (this.selection && !this.stillThere(this.selection)) this.select(null);
    },
    async showOpinion() {
      const { number } = this.info;
      const { listed, body } = await fetchPacked(`/recordings/${number}/opinion`);
      if (number !== this.info?.number) return;
      const { labels, thresholds, interval, intervals, first } = listed;
      const ends = new Float64Array(body, 0, intervals);
      const p = new Uint8Array(body, 8 * intervals);
      this.trackView.opinion = { labels, thresholds, interval, ends, p, count: labels.length, first };
    },
    say(message) { this.message = message; },

    // Playback

    play() { this.player.play(); this.playing = true; this.ticked = now(); },
    pause() {
      this.finishMarks();
      this.player.pause();
      this.playing = false;
    },
    toggle() { if (this.info) (this.playing ? this.pause() : this.play()); },
    seek(time) { if (!this.info) return; this.finishMarks(); this.player.seek(time); this.reference = null; },
    step(by) { this.seek(this.player.position() + by); },
    setSpeed(speed) { this.finishMarks(); this.speed = speed; this.player.setSpeed(speed); },
    faster(by) {
      const index = this.speeds.indexOf(this.speed) + by;
      if (this.speeds[index]) this.setSpeed(this.speeds[index]);
    },
    frame() {
      this.loop = requestAnimationFrame(this.frame);
      if (!this.info) return;
      const wall = now();
      const position = this.player.position(wall);
      if (this.playing && this.player.atEnd) this.pause();
      if (this.playing && wall - this.ticked >= TICK) {
        this.ticked = wall;
        this.request({ type: "tick", wall, held: this.marks.since });
      }
      this.text = clockText(position);
      this.timeline.follow(position, this.playing);
      this.player.prefetch();
      this.view.draw(this.player.frames(position));
      this.overview.draw(this.timeline, this.state, this.info.labels, position);
      const shift = this.playing ? this.reaction * this.speed * 1e9 : 0;
      const running = {};
      for (const [label, mark] of Object.entries(this.marks.running)) running[label] = Math.max(0, mark.position - shift);
      this.trackView.writable = this.writable;
      this.trackView.selection = this.selection;
      this.trackView.draw(this.state, position, running);
      this.curveView.draw(this.timeline, position);
      this.pictures.draw(position, wall);
    },

    // Labels

    mark(label, wall) {
      if (!this.writable) return this.say(this.state.readOnly ? "Read only: nothing was labelled" : "Choose a version of the labels first");
      if (!this.playing) return this.say("Play first (Space), or drag on the track");
      this.marks.start(label, wall, this.player.position(wall));
      this.running = { ...this.marks.running };
    },
    unmark(label, wall) {
      if (!this.marks.has(label)) return;
      this.request(this.marks.end(label, wall));
      this.running = { ...this.marks.running };
    },
    press(label, wall) {
      if (this.marks.has(label)) { if (this.mode === "toggle") this.unmark(label, wall); } else this.mark(label, wall);
    },
    release(label, wall) { if (this.mode === "hold") this.unmark(label, wall); },
    finishMarks() {
      for (const request of this.marks.endAll(now())) this.request(request);
      this.running = {};
    },
    stillThere({ label, start, end, proposal }) {
      if (proposal) return this.state.proposals.some(([name, a, b]) => name === label && a === start && b === end);
      return (this.state.tracks[label] ?? []).some(([a, b]) => a === start && b === end);
    },
    select(selection) { Object.assign(this, { selection, reference: selection }); },
    onSelection(type) {
      const { selection } = this;
      if (!selection) return this.say("Select an interval or a proposal first: click on it, or press N");
      const time = Math.round(this.player.position());
      const { label, start, end } = selection;
      if (type === "start") this.request({ type: "trim", label, start, end, newStart: time, newEnd: end });
      else if (type === "end") this.request({ type: "trim", label, start, end, newStart: start, newEnd: time });
      else this.request({ type, label, start, end, time });
      if (type !== "accept" && type !== "reject") return;
      this.reference = selection;
      this.jump(1, selection);
    },
    finishAll() { this.request({ type: "finish", start: 0, end: this.info.duration }); },
    // To the next (1) or previous (-1) proposal or doubtful stretch; `done` is one that is about to go.
    jump(way, done = null) {
      const places = [
        ...this.state.proposals.map(([label, start, end]) => ({ label, start, end, proposal: true })),
        ...this.state.doubtful.map(([start, end]) => ({ start, end })),
      ].filter((each) => !(done && each.proposal && each.label === done.label && each.start === done.start));
      const order = (a, b) => a.start - b.start || (a.label ?? "").localeCompare(b.label ?? "");
      const cursor = Math.round(this.player.position());
      const here = this.reference && cursor < this.reference.end ? this.reference : { start: cursor };
      places.sort((a, b) => way * order(a, b));
      const next = places.find((each) => way * order(each, here) > 0);
      if (!next) return this.say(way > 0 ? "No proposal or doubtful stretch follows" : "None before this one");
      this.seek(next.start);
      this.select(next.proposal ? next : null);
      this.reference = next;
    },
    sendSettings() { this.request({ type: "settings", reaction: Number(this.reaction) || 0, snap: this.snap }); },

    // Keys

    onKey(event) {
      if (!this.info || isTyping(event) || event.defaultPrevented) return;
      const wall = event.timeStamp / 1000;
      const number = labelNumber(event);
      if (number !== null) {
        const label = number === 0 ? "ignore" : this.info.labels[number - 1]?.name;
        if (label && !event.repeat) this.press(label, wall);
        event.preventDefault();
        return;
      }
      const action = this.actionOf(event);
      if (!action) return;
      event.preventDefault();
      action();
    },
    onKeyUp(event) {
      const number = labelNumber(event);
      if (!this.info || number === null) return;
      const label = number === 0 ? "ignore" : this.info.labels[number - 1]?.name;
      if (label) this.release(label, event.timeStamp / 1000);
    },
    actionOf(event) {
      const { key, shiftKey, ctrlKey, metaKey } = event;
      if (ctrlKey || metaKey) {
        if (key.toLowerCase() === "z") return () => this.request({ type: shiftKey ? "redo" : "undo" });
        if (key.toLowerCase() === "y") return () => this.request({ type: "redo" });
        if (!key.startsWith("Arrow")) return null;
      }
      if (key === " " && event.target instanceof HTMLButtonElement && !event.target.dataset.global) return null;
      const by = ctrlKey ? 10e9 : shiftKey ? 1e9 : this.info.interval;
      const actions = {
        " ": () => this.toggle(), ArrowLeft: () => this.step(-by), ArrowRight: () => this.step(by),
        ArrowUp: () => this.faster(1), ArrowDown: () => this.faster(-1), Home: () => this.seek(0), End: () => this.seek(this.info.duration),
        n: () => this.jump(1), p: () => this.jump(-1), a: () => this.onSelection("accept"), r: () => this.onSelection("reject"),
        "[": () => this.onSelection("start"), "]": () => this.onSelection("end"), s: () => this.onSelection("split"),
        Delete: () => this.onSelection("delete"), Backspace: () => this.onSelection("delete"), m: () => this.finishAll(),
        "+": () => this.timeline.zoom(0.7, this.player.position()), "=": () => this.timeline.zoom(0.7, this.player.position()),
        "-": () => this.timeline.zoom(1 / 0.7, this.player.position()),
        "?": () => { this.help = !this.help; }, Escape: () => { this.help = false; this.select(null); },
      };
      return actions[key.length === 1 ? key.toLowerCase() : key] ?? null;
    },
  },
};
