// The song: what Python packed into the page, unpacked. Times are seconds from here on.

const data = JSON.parse(document.getElementById("song").textContent);
const MILLISECOND = 0.001;

// First index at which a sorted array is not below a value.
function lowerBound(array, value) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

// Each note is four integers: milliseconds since the start of the note before, length, pitch, velocity.
function unpackTrack(packed) {
  const flat = packed.notes, count = flat.length / 4;
  const track = {
    ...packed, count, longest: 0,
    start: new Float64Array(count), end: new Float64Array(count),
    pitch: new Uint8Array(count), velocity: new Uint8Array(count), odd: new Uint8Array(count),
    isSolo: false, isMuted: false,
  };
  let at = 0;
  for (let i = 0, k = 0; i < count; i++, k += 4) {
    at += flat[k];
    track.start[i] = at * MILLISECOND;
    track.end[i] = (at + flat[k + 1]) * MILLISECOND;
    track.pitch[i] = flat[k + 2];
    track.velocity[i] = flat[k + 3];
    track.longest = Math.max(track.longest, flat[k + 1] * MILLISECOND);
  }
  let index = 0;
  for (const step of packed.odd) track.odd[index += step] = 1;
  return track;
}

const versions = data.versions.map((version) => ({ ...version, tracks: version.tracks.map(unpackTrack) }));
let current = versions[0];
const end = data.end * MILLISECOND;

const beats = new Float64Array(data.beats.length);
data.beats.reduce((at, step, i) => (beats[i] = (at + step) * MILLISECOND, at + step), 0);

// Where a second is: bar and beat as musicians count them; null where no grid is known.
function placeOf(seconds) {
  if (!beats.length) return null;
  const beat = lowerBound(beats, seconds + 1e-6) - 1 - data.first;
  const bar = Math.floor(beat / data.perBar);
  return { bar: data.bar + bar, beat: 1 + beat - bar * data.perBar };
}

function isAudible(track) {
  return !track.isMuted && (track.isSolo || !current.tracks.some((other) => other.isSolo));
}

// Call a function for each note that sounds at some moment between two.
function eachBetween(track, from, to, call) {
  const { start, end: ends } = track;
  for (let i = lowerBound(start, from - track.longest - 1e-6); i < track.count && start[i] <= to; i++) {
    if (ends[i] > from || start[i] >= from) call(i);
  }
}

function clockText(seconds, digits = 1) {
  const all = Math.max(0, Math.floor(seconds * 10 ** digits + 1e-6) / 10 ** digits);
  const minutes = Math.floor(all / 60), rest = all - 60 * minutes, hours = Math.floor(minutes / 60);
  const tail = rest.toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
