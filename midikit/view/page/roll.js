// The picture: a still one of notes and grid, and over it what moves.

const base = document.getElementById("base"), over = document.getElementById("over");
const RULER = 36, NARROW = 560, WIDEST = 2000; // CSS pixels; pixels a second
const FEWEST_ROWS = 28;
const EDGED = { scale: 24, size: 4 }; // pixels a second, pixels: from here on notes have an edge
const BLACK = new Set([1, 3, 6, 8, 10]);
const view = {
  width: 0, height: 0, gutter: 0, left: 0, scale: 50, row: 8, top: 127, isFitted: true,
  drumRow: 0, stripTop: 0, isFollowing: true, painted: 0, frame: 0, isStale: true, firstPaint: 0,
};
let theme = {};

const everyTrack = versions.flatMap((version) => version.tracks);
const drumPitches = [...new Set(everyTrack.filter((t) => t.drum).flatMap((t) => [...new Set(t.pitch)]))]
  .sort((a, b) => b - a);
const drumLine = new Map(drumPitches.map((pitch, line) => [pitch, line]));
const range = { low: 127, high: 0 };
for (const track of everyTrack) {
  if (track.drum) continue;
  for (const pitch of track.pitch) {
    range.low = Math.min(range.low, pitch);
    range.high = Math.max(range.high, pitch);
  }
}
const hasPitches = range.low <= range.high;
if (hasPitches) {
  const margin = Math.max(3, Math.ceil((FEWEST_ROWS - (range.high - range.low)) / 2));
  range.low = Math.max(0, range.low - margin);
  range.high = Math.min(127, range.high + margin);
}
const rows = hasPitches ? range.high - range.low + 1 : 0;

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  theme = {
    bg: of("bg"), panel: of("panel"), ink: of("ink"), soft: of("soft"), line: of("line"), beat: of("beat"),
    bar: of("bar"), head: of("head"), loop: of("loop"), odd: of("odd"), lit: of("lit"), edge: of("edge"),
    black: of("black-key"), accent: of("accent"), fills: new Map(),
    font: getComputedStyle(document.body).fontFamily,
  };
}

// What a track is filled with: its colour, or a pattern of it where the hues are used up.
function fillOf(context, track) {
  const key = `${track.color}/${track.pattern}`;
  if (!theme.fills.has(key)) {
    theme.fills.set(key, track.pattern ? context.createPattern(tileOf(track), "repeat") : track.color);
  }
  return theme.fills.get(key);
}

function tileOf(track) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.fillStyle = track.color;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = pen.fillStyle = "rgba(0, 0, 0, .6)";
  pen.lineWidth = 2;
  const line = (...ends) => { pen.beginPath(); pen.moveTo(ends[0], ends[1]); pen.lineTo(ends[2], ends[3]); pen.stroke(); };
  if (track.pattern === 1 || track.pattern === 3) { line(-2, 10, 10, -2); line(-2, 2, 2, -2); line(6, 10, 10, 6); }
  if (track.pattern === 2 || track.pattern === 3) { line(-2, -2, 10, 10); line(-2, 6, 2, 10); line(6, -2, 10, 2); }
  if (track.pattern === 4) line(4, 0, 4, 8);
  if (track.pattern === 5) { pen.fillRect(1, 1, 3, 3); pen.fillRect(5, 5, 3, 3); }
  return tile;
}

const xOf = (seconds) => view.gutter + (seconds - view.left) * view.scale;
const secondsAt = (x) => view.left + (x - view.gutter) / view.scale;
const yOf = (pitch) => RULER + (view.top - pitch) * view.row;
const stripHeight = () => (drumPitches.length ? drumPitches.length * view.drumRow + 8 : 0);
const seconds = () => (view.width - view.gutter) / view.scale;

const fitScale = () => Math.min(WIDEST, (view.width - view.gutter - 12) / Math.max(end, 0.5));

function fitAll() {
  view.isFitted = true;
  view.scale = fitScale();
  view.left = 0;
}

function fitRows() {
  const space = view.height - RULER - stripHeight();
  view.row = rows ? Math.min(24, Math.max(3, space / rows)) : 0;
  view.top = range.high;
}

function clampView() {
  view.scale = Math.max(fitScale(), Math.min(WIDEST, view.scale));
  view.left = Math.max(0, Math.min(view.left, end + 12 / view.scale - seconds()));
  if (!rows) return;
  const shown = (view.stripTop - RULER) / view.row;
  view.top = Math.min(range.high, Math.max(view.top, Math.min(range.high, range.low - 1 + shown)));
}

function resize() {
  const box = base.parentElement.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  if (!box.width || !box.height) return;
  view.width = box.width;
  view.height = box.height;
  view.gutter = drumPitches.length ? (box.width < NARROW ? 66 : 96) : 40;
  for (const canvas of [base, over]) {
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  const most = (box.height - RULER) * (rows ? 0.42 : 1) - 8;
  view.drumRow = drumPitches.length ? Math.min(rows ? 14 : 26, Math.max(2, most / drumPitches.length)) : 0;
  view.stripTop = rows ? box.height - stripHeight() : RULER;
  if (view.isFitted) fitAll();
  if (!view.firstPaint && box.width < NARROW) view.scale = Math.max(view.scale, 10);
  view.isFitted = view.scale === fitScale();
  if (!view.isRowZoomed) fitRows();
  clampView();
  view.isStale = true;
  paint();
}

// Smallest step of 1, 2, 4, 8 … bars, or of round seconds, that leaves room for labels.
function barStep(room) {
  if (beats.length < 2) return 1;
  const bar = (beats[beats.length - 1] - beats[0]) / (beats.length - 1) * data.perBar * view.scale;
  let step = 1;
  while (step * bar < room) step *= 2;
  return step;
}

function secondStep(room) {
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200, 21600]
    .find((step) => step * view.scale >= room) || 86400;
}

function eachBeat(call) {
  const last = secondsAt(view.width);
  for (let i = Math.max(0, lowerBound(beats, view.left) - 1); i < beats.length && beats[i] <= last; i++) {
    const beat = i - data.first, bar = Math.floor(beat / data.perBar);
    call(Math.round(xOf(beats[i])), beat - bar * data.perBar === 0, data.bar + bar);
  }
}

function paintRows(pen) {
  pen.fillStyle = theme.bg;
  pen.fillRect(0, 0, view.width, view.height);
  for (let pitch = range.high; rows && pitch >= range.low; pitch--) {
    const y = yOf(pitch);
    if (y > view.stripTop || y + view.row < RULER) continue;
    if (BLACK.has(pitch % 12)) {
      pen.fillStyle = theme.black;
      pen.fillRect(view.gutter, y, view.width, view.row);
    }
    if (pitch % 12 === 0) {
      pen.fillStyle = theme.line;
      pen.fillRect(view.gutter, Math.round(y + view.row) - 1, view.width, 1);
    }
  }
}

function paintGrid(pen) {
  const beatWidth = beats.length > 1 ? (beats[beats.length - 1] - beats[0]) / (beats.length - 1) * view.scale : 0;
  const step = barStep(10);
  eachBeat((x, isBar, bar) => {
    if (x < view.gutter || (isBar ? (bar - 1) % step : beatWidth < 9)) return;
    pen.fillStyle = isBar ? theme.bar : theme.beat;
    pen.fillRect(x, RULER, 1, view.height - RULER);
  });
}

function rectOf(track, i) {
  const x = xOf(track.start[i]);
  if (track.drum) {
    const size = Math.max(2, view.drumRow - 2);
    const y = view.stripTop + 4 + drumLine.get(track.pitch[i]) * view.drumRow + (view.drumRow - size) / 2;
    return [x, y, Math.min(size, Math.max(2, view.scale * 0.12)), size];
  }
  const wide = Math.max(2, (track.end[i] - track.start[i]) * view.scale);
  return [x, yOf(track.pitch[i]) + (view.row > 5 ? 0.5 : 0), wide > 4 ? wide - 1 : wide, view.row > 5 ? view.row - 1 : view.row];
}

function paintNotes(pen) {
  const last = secondsAt(view.width);
  const isEdged = view.scale >= EDGED.scale && (view.row || view.drumRow) >= EDGED.size;
  let painted = 0;
  const [drums, others] = [true, false].map((drum) => current.tracks.filter((t) => t.drum === drum));
  for (const [tracks, top, bottom] of [[others, RULER, view.stripTop], [drums, view.stripTop, view.height]]) {
    pen.save();
    pen.beginPath();
    pen.rect(view.gutter, top, view.width, bottom - top);
    pen.clip();
    for (const track of tracks) {
      const dim = isAudible(track) ? 1 : 0.18;
      pen.fillStyle = fillOf(pen, track);
      pen.strokeStyle = theme.edge;
      pen.lineWidth = 1;
      eachBetween(track, view.left - 2 / view.scale, last, (i) => {
        const [x, y, wide, high] = rectOf(track, i);
        pen.globalAlpha = dim * (0.4 + 0.6 * track.velocity[i] / 127);
        pen.fillRect(x, y, wide, high);
        if (isEdged && wide >= EDGED.size) { // pale notes on white are seen by it
          pen.globalAlpha = dim;
          pen.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);
        }
        painted++;
      });
      if (!track.odd.includes(1)) continue;
      pen.globalAlpha = 1;
      pen.strokeStyle = theme.odd;
      pen.lineWidth = 2;
      eachBetween(track, view.left, last, (i) => {
        if (!track.odd[i]) return;
        const [x, y, wide, high] = rectOf(track, i);
        pen.strokeRect(x - 1, y - 1, Math.max(wide, 4) + 2, Math.max(high, 4) + 2);
      });
    }
    pen.restore();
  }
  return painted;
}

function textAt(pen, text, x, y, color, size = 11, align = "left", room = 0) {
  pen.font = `${size}px ${theme.font}`;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillStyle = color;
  while (room && text.length > 2 && pen.measureText(text).width > room) text = `${text.replace(/…$/, "").slice(0, -1)}…`;
  pen.fillText(text, x, y);
}

function paintGutter(pen) {
  pen.fillStyle = theme.panel;
  pen.fillRect(0, RULER, view.gutter, view.height - RULER);
  pen.save();
  pen.beginPath();
  pen.rect(0, RULER, view.gutter, view.stripTop - RULER);
  pen.clip();
  for (let pitch = range.high; rows && pitch >= range.low; pitch--) {
    const y = yOf(pitch);
    const isBlack = BLACK.has(pitch % 12);
    pen.fillStyle = isBlack ? theme.soft : theme.bg;
    pen.fillRect(view.gutter - 14, y, isBlack ? 8 : 14, view.row);
    const middle = y + view.row / 2;
    if (pitch % 12 === 0 && view.row >= 1 && middle > RULER + 6 && middle < view.stripTop - 6) {
      textAt(pen, `C${pitch / 12 - 1}`, view.gutter - 18, middle, theme.soft, 11, "right");
    }
  }
  pen.restore();
  if (drumPitches.length) {
    pen.fillStyle = theme.bar;
    if (rows) pen.fillRect(0, view.stripTop, view.width, 1);
    const every = Math.ceil(10 / view.drumRow);
    drumPitches.forEach((pitch, line) => {
      if (line % every) return;
      const y = view.stripTop + 4 + (line + 0.5) * view.drumRow;
      textAt(pen, data.drums[pitch].name, view.gutter - 6, y, theme.soft, 10, "right", view.gutter - 10);
    });
  }
  pen.fillStyle = theme.line;
  pen.fillRect(view.gutter - 1, RULER, 1, view.height - RULER);
}

function paintRuler(pen) {
  pen.fillStyle = theme.panel;
  pen.fillRect(0, 0, view.width, RULER);
  pen.fillStyle = theme.line;
  pen.fillRect(0, RULER - 1, view.width, 1);
  textAt(pen, beats.length ? "bar" : "", view.gutter - 6, 10, theme.soft, 10, "right");
  textAt(pen, "time", view.gutter - 6, 26, theme.soft, 10, "right");
  const step = barStep(38);
  let isNumbered = false;
  eachBeat((x, isBar, bar) => {
    if (!isBar || (bar - 1) % step || x < view.gutter) return;
    isNumbered = true;
    pen.fillStyle = theme.bar;
    pen.fillRect(x, 2, 1, 15);
    if (x + 8 * String(bar).length < view.width) textAt(pen, String(bar), x + 4, 10, theme.ink);
  });
  const inside = placeOf(view.left); // so near that no bar line is in view
  if (!isNumbered && inside && inside.bar > 0) textAt(pen, String(inside.bar), view.gutter + 4, 10, theme.soft);
  const every = secondStep(58);
  for (let k = Math.ceil(view.left / every - 1e-9); k * every <= secondsAt(view.width); k++) {
    const x = Math.round(xOf(k * every));
    pen.fillStyle = theme.line;
    pen.fillRect(x, 19, 1, 15);
    const text = clockText(k * every, every < 1 ? 1 : 0);
    if (x + 4 + 7 * text.length < view.width) textAt(pen, text, x + 4, 26, theme.soft);
  }
  pen.fillStyle = theme.panel; // labels end where the gutter begins
  pen.fillRect(0, 0, view.gutter - 40, RULER - 1);
}

function paintBase() {
  const pen = base.getContext("2d");
  paintRows(pen);
  paintGrid(pen);
  view.painted = paintNotes(pen);
  paintGutter(pen);
  paintRuler(pen);
  if (!everyTrack.some((track) => track.count)) {
    textAt(pen, "No notes in this song", (view.width + view.gutter) / 2, (view.height + RULER) / 2, theme.soft, 16, "center");
  }
  view.isStale = false;
  view.firstPaint = view.firstPaint || performance.now();
}

function paintOver() {
  const pen = over.getContext("2d"), { loop } = player, head = headNow();
  pen.clearRect(0, 0, view.width, view.height);
  pen.save();
  pen.beginPath();
  pen.rect(view.gutter - 1, 0, view.width, view.height);
  pen.clip();
  if (loop.end > loop.start) {
    const from = xOf(loop.start), to = xOf(loop.end);
    pen.globalAlpha = loop.isOn ? 1 : 0.45;
    pen.fillStyle = theme.loop;
    pen.fillRect(from, 0, to - from, view.height);
    pen.fillStyle = theme.accent;
    pen.fillRect(from, 0, to - from, 3);
    pen.globalAlpha = 1;
  }
  pen.strokeStyle = theme.lit;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const track of current.tracks) {
    if (!isAudible(track)) continue;
    eachBetween(track, head, head, (i) => {
      const [x, y, wide, high] = rectOf(track, i);
      if (y < RULER || (!track.drum && y > view.stripTop)) return;
      pen.rect(x - 0.75, y - 0.75, wide + 1.5, high + 1.5);
    });
  }
  pen.stroke();
  const x = xOf(head);
  pen.fillStyle = theme.head;
  pen.fillRect(x - 1, 0, 2, view.height);
  pen.beginPath();
  pen.moveTo(x - 6, 0);
  pen.lineTo(x + 6, 0);
  pen.lineTo(x, 9);
  pen.fill();
  pen.restore();
}

function paint() {
  if (view.isStale) paintBase();
  paintOver();
}

// Ask for one painting of the next frame, of everything or of what moves alone.
function refresh(isStale = true) {
  view.isStale = view.isStale || isStale;
  if (!view.frame) {
    view.frame = requestAnimationFrame(() => { view.frame = 0; paint(); });
  }
}

function zoomBy(factor, at = null) {
  const head = headNow();
  const x = at ?? (xOf(head) >= view.gutter && xOf(head) <= view.width ? xOf(head) : (view.gutter + view.width) / 2);
  const fixed = secondsAt(x);
  view.scale *= factor;
  clampView();
  view.left = fixed - (x - view.gutter) / view.scale;
  view.isFitted = false;
  clampView();
  refresh();
}

function zoomRows(factor) {
  const middle = view.top - (view.stripTop - RULER) / view.row / 2;
  view.isRowZoomed = true;
  view.row = Math.min(28, Math.max(2, view.row * factor));
  view.top = middle + (view.stripTop - RULER) / view.row / 2;
  clampView();
  refresh();
}

function scrollBy(pixels, down = 0) {
  view.left += pixels / view.scale;
  if (view.row) view.top -= down / view.row;
  view.isFitted = view.isFitted && pixels === 0;
  clampView();
  refresh();
}

// Bring the playhead into view: glide along while playing, or turn pages where motion is unwanted
// or there is too much to paint in every frame.
function follow(isGliding) {
  const head = headNow(), length = seconds();
  const before = view.left;
  if (isGliding && view.painted < 4000) view.left = head - 0.35 * length;
  else if (head < view.left || head > view.left + 0.95 * length) view.left = head - 0.05 * length;
  clampView();
  if (view.left !== before) view.isStale = true;
}
