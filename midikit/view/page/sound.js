// Playback: notes are handed to the audio clock a fraction of a second ahead, never all at once.

const TICK = 40; // milliseconds between two looks ahead
const AHEAD = 0.25, AHEAD_HIDDEN = 2.5; // seconds; timers of a hidden page are slow
const MOST_VOICES = 200;
const LOUDNESS = 1.7; // exponent from velocity to amplitude
const DRUM_LENGTH = 5; // time constants

const player = {
  context: null, master: null, noise: null, waves: new Map(), outputs: new Map(),
  isPlaying: false, speed: 1, volume: 0.8, scheduled: 0, position: 0,
  anchors: [], voices: [], next: [], timer: 0, onStop: () => {},
  loop: { isOn: false, start: 0, end: 0 },
};

function openAudio() {
  if (player.context) return;
  const context = new AudioContext({ latencyHint: "interactive" });
  const squeeze = context.createDynamicsCompressor();
  squeeze.threshold.value = -14;
  squeeze.ratio.value = 6;
  const master = context.createGain();
  master.gain.value = player.volume ** 2;
  master.connect(squeeze).connect(context.destination);
  const noise = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = noise.getChannelData(0);
  for (let i = 0, seed = 1; i < samples.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    samples[i] = seed / 2 ** 31;
  }
  Object.assign(player, { context, master, noise });
}

// One cycle of a sound: a sum of harmonics as loud as a sine.
function waveOf(name) {
  if (!player.waves.has(name)) {
    const harmonics = data.tones[name].harmonics;
    const loud = Math.hypot(...harmonics);
    const sine = Float32Array.from([0, ...harmonics], (value) => value / loud);
    player.waves.set(name, player.context.createPeriodicWave(
      new Float32Array(sine.length), sine, { disableNormalization: true }));
  }
  return player.waves.get(name);
}

function outputOf(track) {
  if (!player.outputs.has(track)) {
    const place = player.context.createStereoPanner();
    place.pan.value = track.pan;
    place.connect(player.master);
    player.outputs.set(track, place);
  }
  return player.outputs.get(track);
}

// A gain that falls to nothing, with which a voice ends.
function envelope(peak, when, attack) {
  const gain = player.context.createGain();
  gain.gain.setValueAtTime(0, when);
  gain.gain.linearRampToValueAtTime(peak, when + attack);
  return gain;
}

function startTone(track, pitch, loud, when, length) {
  const tone = data.tones[track.tone];
  const peak = 0.2 * loud * tone.level;
  const gain = envelope(peak, when, tone.attack);
  const source = player.context.createOscillator();
  source.setPeriodicWave(waveOf(track.tone));
  source.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
  const over = when + Math.max(length, tone.attack, 0.03);
  gain.gain.setTargetAtTime(peak * tone.sustain, when + tone.attack, tone.decay);
  gain.gain.setTargetAtTime(0, over, tone.release / 4);
  source.connect(gain).connect(outputOf(track));
  source.start(when);
  source.stop(over + tone.release * 1.5);
  return { gain, sources: [source], over: over + tone.release * 1.5 };
}

function startDrum(track, pitch, loud, when) {
  const drum = data.drums[pitch], context = player.context;
  const out = context.createGain();
  out.gain.value = 0.28 * loud * drum.level;
  out.connect(outputOf(track));
  const sources = [];
  let over = when;
  const add = (source, level, decay) => {
    const gain = envelope(level, when, 0.001);
    gain.gain.setTargetAtTime(0, when + 0.001, decay);
    source.connect(gain).connect(out);
    sources.push(source);
    over = Math.max(over, when + DRUM_LENGTH * decay);
    return gain;
  };
  if (drum.top) {
    const tone = context.createOscillator();
    tone.frequency.setValueAtTime(drum.top, when);
    tone.frequency.setTargetAtTime(drum.bottom, when, drum.sweep);
    add(tone, 1, drum.decay);
    tone.start(when);
  }
  if (drum.noise) {
    const hiss = context.createBufferSource(), filter = context.createBiquadFilter();
    hiss.buffer = player.noise;
    hiss.loop = true;
    filter.type = drum.is_bright ? "highpass" : "bandpass";
    filter.frequency.value = drum.is_bright ? 6500 : 2200;
    filter.Q.value = drum.is_bright ? 0.7 : 0.5;
    hiss.connect(filter);
    const gain = envelope(drum.noise, when, 0.001);
    gain.gain.setTargetAtTime(0, when + 0.001, drum.noise_decay);
    filter.connect(gain).connect(out);
    sources.push(hiss);
    over = Math.max(over, when + DRUM_LENGTH * drum.noise_decay);
    hiss.start(when, (pitch * 0.013) % 1);
  }
  for (const source of sources) source.stop(over);
  return { gain: out, sources, over };
}

function startNote(track, i, when, length, isCounted) {
  const loud = (track.velocity[i] / 127) ** LOUDNESS;
  const voice = track.tone === null ? startDrum(track, track.pitch[i], loud, when)
    : startTone(track, track.pitch[i], loud, when, length);
  player.voices.push({ ...voice, track, when, isCounted });
  player.scheduled += isCounted;
  track.scheduled += isCounted;
}

function endVoice(voice, now) {
  const gain = voice.gain.gain;
  if (gain.cancelAndHoldAtTime) gain.cancelAndHoldAtTime(now); else gain.cancelScheduledValues(now);
  gain.setTargetAtTime(0, now, 0.008);
  for (const source of voice.sources) source.stop(Math.max(now, voice.when) + 0.05);
}

// End the voices of one track, or of all; what has not begun was not played.
function endVoices(track = null) {
  if (!player.context) return;
  const now = player.context.currentTime;
  player.voices = player.voices.filter((voice) => {
    if (track && voice.track !== track) return true;
    if (voice.isCounted && voice.when > now) {
      player.scheduled--;
      voice.track.scheduled--;
    }
    if (voice.over > now) endVoice(voice, now);
    return false;
  });
}

function positionAt(clock) {
  let anchor = player.anchors[0];
  for (const later of player.anchors) if (later.clock <= clock) anchor = later;
  return anchor.song + Math.max(0, clock - anchor.clock) * player.speed;
}

// Where the playhead is, in seconds of the song.
function headNow() {
  if (!player.isPlaying) return player.position;
  return Math.min(positionAt(player.context.currentTime), end);
}

// Begin a track in the middle: what is sounding now sounds on.
function enterTrack(track, index, song, clock) {
  player.next[index] = lowerBound(track.start, song - 1e-6);
  if (!isAudible(track) || track.tone === null) return;
  eachBetween(track, song, song, (i) => {
    if (track.start[i] < song - 1e-6) {
      startNote(track, i, clock, (track.end[i] - song) / player.speed, 0);
    }
  });
}

function enter(song, clock) {
  player.anchors.push({ clock, song });
  current.tracks.forEach((track, index) => enterTrack(track, index, song, clock));
}

function play() {
  if (player.isPlaying) return;
  openAudio();
  player.context.resume();
  if (player.position >= end - 0.01) player.position = 0;
  resetCounts();
  player.isPlaying = true;
  restart();
  player.timer = setInterval(lookAhead, TICK);
}

function resetCounts() {
  player.scheduled = 0;
  for (const version of versions) for (const track of version.tracks) track.scheduled = 0;
}
resetCounts();

// Take up the playback at the position anew.
function restart() {
  endVoices();
  player.anchors = [];
  enter(player.position, player.context.currentTime + 0.03);
  lookAhead();
}

function pause() {
  if (!player.isPlaying) return;
  player.position = headNow();
  player.isPlaying = false;
  clearInterval(player.timer);
  endVoices();
}

function seek(seconds) {
  player.position = Math.min(Math.max(0, seconds), end);
  endVoices(); // while they still count
  resetCounts();
  if (player.isPlaying) restart();
}

// Do something that changes how the rest is played.
function whilePlaying(change) {
  if (player.isPlaying) player.position = headNow();
  change();
  if (player.isPlaying) restart();
}

// Tracks that became silent or audible do so at once, without touching the others.
function updateAudible(before) {
  if (!player.isPlaying) return;
  if (player.anchors.length > 1) return whilePlaying(() => {}); // about to jump in a loop
  const now = player.context.currentTime;
  current.tracks.forEach((track, index) => {
    const is = isAudible(track);
    if (before[index] && !is) endVoices(track);
    if (!before[index] && is) enterTrack(track, index, positionAt(now), now);
  });
  lookAhead();
}

function lookAhead() {
  const { context, loop } = player;
  const now = context.currentTime;
  const until = now + (document.hidden ? AHEAD_HIDDEN : AHEAD);
  player.voices = player.voices.filter((voice) => voice.over > now);
  for (;;) {
    const anchor = player.anchors[player.anchors.length - 1];
    const isLooping = loop.isOn && anchor.song < loop.end;
    const limit = isLooping ? loop.end : Infinity;
    const clockOf = (song) => anchor.clock + (song - anchor.song) / player.speed;
    current.tracks.forEach((track, index) => {
      let i = player.next[index];
      const audible = isAudible(track);
      for (; i < track.count && track.start[i] < limit && clockOf(track.start[i]) < until; i++) {
        if (!audible) continue;
        const length = (Math.min(track.end[i], limit) - track.start[i]) / player.speed;
        startNote(track, i, Math.max(clockOf(track.start[i]), now), length, 1);
      }
      player.next[index] = i;
    });
    if (!isLooping || clockOf(limit) >= until) break;
    enter(loop.start, clockOf(limit));
  }
  while (player.anchors.length > 1 && player.anchors[1].clock <= now) player.anchors.shift();
  for (const voice of player.voices.splice(0, Math.max(0, player.voices.length - MOST_VOICES))) {
    endVoice(voice, now);
  }
  if (positionAt(now) > end + 0.3 * player.speed) {
    pause();
    player.position = end;
    player.onStop();
  }
}
