// Copyright 2026 obstacle_classifier maintainers
// SPDX-License-Identifier: Apache-2.0

// The parts of the workbench, as a Vue template.

export const TEMPLATE = `
<main class="workbench" :class="{ 'is-empty': !info }">
  <div class="bar" role="toolbar" aria-label="Playback and editing">
    <button class="play" data-global="1" :aria-label="playing ? 'Pause' : 'Play'" title="Space" :disabled="!info"
      @click="toggle">{{ playing ? '❚❚' : '▶' }}</button>
    <output class="time" aria-label="Time in the recording">{{ text }}<small> / {{ durationText }}</small></output>
    <label title="↑ ↓">Speed
      <select :value="speed" @change="setSpeed(Number($event.target.value)); $event.target.blur()">
        <option v-for="each in speeds" :key="each" :value="each">{{ each }}×</option>
      </select></label>
    <span class="rule"></span>
    <label title="Hold a label's key while the label is there, or press it when it comes and when it goes">Keys
      <select v-model="mode" @change="finishMarks(); $event.target.blur()">
        <option value="hold">hold</option><option value="toggle">toggle</option>
      </select></label>
    <label title="How late you press a key; it is subtracted">Reaction
      <input type="number" min="0" max="3" step="0.05" v-model.number="reaction" @change="sendSettings"
        @keydown.enter="$event.target.blur()"> s</label>
    <label title="Edges go to the ends of the intervals that the network judges">
      <input type="checkbox" v-model="snap" @change="sendSettings(); $event.target.blur()"> Snap</label>
    <span class="rule"></span>
    <button :disabled="!writable || !state.undo" :title="'Undo ' + (state.undo ?? '') + ' (Ctrl Z)'"
      @click="request({ type: 'undo' })">Undo</button>
    <button :disabled="!writable || !state.redo" :title="'Redo ' + (state.redo ?? '') + ' (Ctrl Shift Z)'"
      @click="request({ type: 'redo' })">Redo</button>
    <span class="space"></span>
    <button :aria-expanded="help" title="?" @click="help = !help">Keys <kbd>?</kbd></button>
  </div>

  <div v-if="info && state.readOnly" class="banner" role="alert">Read only: {{ state.readOnly }}.
    <button @click="request({ type: 'take' })">Try to edit here</button></div>
  <div v-if="info && state.changedElsewhere" class="banner" role="alert">
    Another program has changed {{ info.file }}. Nothing is written until you choose.
    <button @click="request({ type: 'reload' })">Read it again</button>
    <button @click="request({ type: 'keep' })">Keep mine</button></div>
  <div v-if="info && state.shift" class="banner" role="alert">The labels were written for a recording that begins
    {{ Math.abs(state.shift).toFixed(3) }} s {{ state.shift > 0 ? 'earlier' : 'later' }}: they are shifted by as much.</div>

  <div class="scene">
    <figure class="above">
      <canvas ref="above" role="img" aria-label="The sensors from above at the cursor; the robot looks up"></canvas>
      <figcaption v-if="info">
        <span v-for="(each, index) in info.above" :key="each.name">
          <i :style="{ background: sensorColour(index) }"></i>{{ each.name }}</span>
        <span v-if="info.corridor"><i class="corridor"></i>corridor</span>
      </figcaption>
      <p v-if="!info" class="empty">Choose a recording at the left.</p>
    </figure>
    <figure class="picture" v-show="info && info.cameras.length">
      <img ref="picture" alt="The camera's picture at the cursor">
      <figcaption v-if="info">
        <select v-model="camera" aria-label="Camera" @change="pictures.open(info.number, camera)">
          <option v-for="each in info.cameras" :key="each">{{ each }}</option></select>
      </figcaption>
    </figure>
    <aside v-if="help" class="help" aria-label="Keys">
      <h2>Keys</h2>
      <dl><template v-for="row in help_rows" :key="row[0]"><dt><kbd>{{ row[0] }}</kbd></dt><dd>{{ row[1] }}</dd></template></dl>
    </aside>
  </div>

  <div class="bar" role="toolbar" aria-label="Selection and proposals" v-show="info">
    <span class="selection" aria-live="polite">{{ selectionText }}</span>
    <button v-if="selection && selection.proposal" :disabled="!writable" @click="onSelection('accept')">Accept <kbd>A</kbd></button>
    <button v-if="selection && selection.proposal" :disabled="!writable" @click="onSelection('reject')">Reject <kbd>R</kbd></button>
    <template v-if="selection && !selection.proposal">
      <button :disabled="!writable" title="Start to the cursor" @click="onSelection('start')">Start <kbd>[</kbd></button>
      <button :disabled="!writable" title="End to the cursor" @click="onSelection('end')">End <kbd>]</kbd></button>
      <button :disabled="!writable" @click="onSelection('split')">Split <kbd>S</kbd></button>
      <button :disabled="!writable" @click="onSelection('delete')">Delete <kbd>Del</kbd></button>
    </template>
    <span class="space"></span>
    <button :disabled="!state.proposals.length && !state.doubtful.length" @click="jump(-1)" aria-label="Previous">‹ <kbd>P</kbd></button>
    <button :disabled="!state.proposals.length && !state.doubtful.length" @click="jump(1)">Next doubt <kbd>N</kbd></button>
    <button v-if="state.proposals.length" :disabled="!writable" @click="request({ type: 'acceptAll' })">
      Accept all {{ state.proposals.length }}</button>
    <button :disabled="!writable || !state.unlabelled.length" title="Where there is no label, nothing is there"
      @click="finishAll">All labelled <kbd>M</kbd></button>
  </div>

  <div class="rows" v-show="info">
    <div class="head">Recording</div>
    <canvas class="overview" ref="overview" role="img"
      aria-label="The whole recording: labels, time not labelled yet (hatched), doubt (yellow). Click to go there."></canvas>
    <div class="heads" :style="{ paddingTop: RULER + 'px' }" role="group" aria-label="Labels">
      <button v-for="(label, index) in info ? info.labels : []" :key="label.name" class="label" data-global="1"
        :style="{ height: ROW + 'px', '--colour': labelColour(label.name, index) }" :data-label="label.name"
        :aria-pressed="label.name in running" :disabled="!writable" :title="'Hold while ' + label.name + ' is there'"
        @pointerdown="press(label.name, $event.timeStamp / 1000)" @pointerup="release(label.name, $event.timeStamp / 1000)"
        @pointerleave="release(label.name, $event.timeStamp / 1000)">
        <kbd v-if="label.key !== null">{{ label.key }}</kbd><kbd v-else class="none"></kbd><span>{{ label.name }}</span>
        <small>{{ (state.tracks[label.name] ?? []).length || '' }}</small></button>
    </div>
    <canvas class="tracks" ref="tracks" tabindex="0" role="img" :style="{ height: RULER + ROW * (info ? info.labels.length : 0) + 'px' }"
      aria-label="One track a label. Drag on a track to label, drag an edge to trim, click to select."></canvas>
    <div class="curves">
      <div class="heads">
        <div v-for="each in info ? info.curves : []" :key="each.name" class="curve" :style="{ height: CURVE_ROW + 'px' }"
          :title="each.channels.join(', ')"><b>{{ each.name }}</b>
          <span><span v-for="(channel, index) in each.channels" :key="channel"><i :style="{ background: sensorColour(index) }"></i>{{ channel }}</span></span></div>
      </div>
      <canvas ref="curves" role="img" aria-label="Curves of the sensors with a few numbers"
        :style="{ height: CURVE_ROW * (info ? info.curves.length : 0) + 'px' }"></canvas>
    </div>
  </div>
  <p class="status" role="status" aria-live="polite">{{ message }}</p>
</main>`;
