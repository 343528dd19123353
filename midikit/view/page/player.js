// The page: buttons, keys and gestures, and what is said about them.

const $ = (id) => document.getElementById(id);
const isFramed = window.parent !== window;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const SPEEDS = [...$("speed").options].map((option) => Number(option.value));

function say(text) { $("live").textContent = text; }

function placeText(seconds) {
  const place = placeOf(seconds);
  if (!place) return "";
  return place.bar < 1 ? "before bar 1" : `bar ${place.bar}, beat ${place.beat}`;
}

function whereText() {
  return [clockText(headNow(), 0), placeText(headNow())].filter(Boolean).join(", ");
}

function showPosition() {
  const head = headNow(), place = placeOf(head);
  $("now").textContent = clockText(head);
  $("place").textContent = `of ${clockText(end)}${place && place.bar > 0 ? ` · bar ${place.bar}.${place.beat}` : ""}`;
  const slider = $("position");
  slider.value = head;
  slider.setAttribute("aria-valuetext", [`${clockText(head, 0)} of ${clockText(end, 0)}`, placeText(head)].filter(Boolean).join(", "));
}

function showPlaying() {
  document.body.classList.toggle("playing", player.isPlaying);
  $("play").setAttribute("aria-label", player.isPlaying ? "Pause" : "Play");
  showPosition();
}

function frame() {
  if (view.isFollowing) follow(player.isPlaying && !stillness.matches);
  showPosition();
  paint();
  if (player.isPlaying) requestAnimationFrame(frame);
}

function togglePlay() {
  if (player.isPlaying) {
    pause();
    say(`Paused at ${whereText()}`);
  } else {
    if (player.loop.isOn && player.position >= player.loop.end) player.position = player.loop.start;
    play();
    say("Playing");
    requestAnimationFrame(frame);
  }
  showPlaying();
}
player.onStop = () => { showPlaying(); refresh(false); say("End of the song"); };

function goTo(seconds) {
  seek(seconds);
  if (view.isFollowing) follow(false);
  showPosition();
  refresh(view.isStale);
}

// Go somewhere by a key, and say where that is; the slider says it itself.
function jumpTo(seconds) {
  goTo(seconds);
  if (!player.isPlaying && document.activeElement !== $("position")) say(whereText());
}

// The beat (or bar) before or after the playhead; seconds where no grid is known.
function stepBy(direction, isBar) {
  const head = headNow();
  if (!beats.length) return jumpTo(head + direction * (isBar ? 5 : 1));
  const lines = isBar ? beats.filter((_, i) => (((i - data.first) % data.perBar) + data.perBar) % data.perBar === 0) : beats;
  // While it plays, one step back is one from where the listener was when the key went down.
  const slack = direction < 0 ? (player.isPlaying ? 0.2 : 1e-3) : -1e-3;
  const i = direction > 0 ? lowerBound(lines, head - slack) : lowerBound(lines, head - slack) - 1;
  return jumpTo(i < 0 ? 0 : i < lines.length ? lines[i] : end);
}

function setSpeed(speed) {
  whilePlaying(() => { player.speed = speed; });
  $("speed").value = String(speed);
  say(`Speed ${speed}`);
}

function setLoop(start, finish, isOn) {
  const loop = player.loop;
  whilePlaying(() => {
    loop.start = Math.max(0, Math.min(start, finish));
    loop.end = Math.min(end, Math.max(start, finish));
    loop.isOn = isOn && loop.end - loop.start >= 0.05;
    if (player.isPlaying && loop.isOn && player.position >= loop.end) player.position = loop.start;
  });
  $("loop").setAttribute("aria-pressed", String(loop.isOn));
  refresh(false);
}

function toggleLoop() {
  const loop = player.loop;
  if (loop.isOn) setLoop(loop.start, loop.end, false);
  else if (loop.end - loop.start >= 0.05) setLoop(loop.start, loop.end, true);
  else setLoop(0, end, true);
  say(loop.isOn ? `Loop from ${clockText(loop.start)} to ${clockText(loop.end)}` : "Loop off");
}

function setFollowing(isOn) {
  view.isFollowing = isOn;
  $("follow").setAttribute("aria-pressed", String(isOn));
  if (isOn) { follow(false); refresh(view.isStale); }
}

// ---- instruments

function setParts(change) {
  const before = current.tracks.map(isAudible);
  change();
  updateAudible(before);
  showParts();
  refresh();
}

function toggle(index, what) {
  const track = current.tracks[index];
  setParts(() => { track[what] = !track[what]; });
  const word = what === "isSolo" ? "solo" : "muted";
  say(`${track.name || "unnamed"}: ${track[what] ? word : `not ${word}`}`);
}

function showParts() {
  [...$("rows").children].forEach((row, index) => {
    const track = current.tracks[index];
    row.classList.toggle("silent", !isAudible(track));
    const [mute, solo] = row.querySelectorAll("button");
    mute.setAttribute("aria-pressed", String(track.isMuted));
    solo.setAttribute("aria-pressed", String(track.isSolo));
  });
  $("all").disabled = !current.tracks.some((track) => track.isSolo || track.isMuted);
}

function element(tag, values, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function swatch(track) {
  const canvas = element("canvas", { width: 28, height: 44, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  pen.fillStyle = track.pattern ? pen.createPattern(tileOf(track), "repeat") : track.color;
  pen.fillRect(0, 0, 28, 44);
  return canvas;
}

function buildRows() {
  const made = current.tracks.map((track, index) => {
    const name = track.name || "(unnamed)";
    const count = `${track.count.toLocaleString("en")} ${track.count === 1 ? "note" : "notes"}`;
    const sound = track.sound === name ? count : `${count} · ${track.sound}`;
    const words = element("div", {}, element("span", { class: "name", title: name }, name),
      element("span", { class: "sound", title: sound }, sound));
    const button = (letter, word, what) => {
      const one = element("button", { tabindex: "-1", "aria-pressed": "false", "aria-label": `${word} ${name}`, title: `${word} (${letter})` }, letter);
      one.addEventListener("click", () => toggle(index, what));
      return element("span", { role: "gridcell" }, one);
    };
    return element("div", { role: "row", class: "row", tabindex: index ? "-1" : "0", "aria-rowindex": index + 1, "aria-label": `${name}, ${track.sound}, ${count}` },
      element("div", { class: "what", role: "gridcell" }, swatch(track), words),
      button("M", "Mute", "isMuted"), button("S", "Solo", "isSolo"));
  });
  $("rows").replaceChildren(...made);
  $("rows").setAttribute("aria-rowcount", String(made.length));
  showParts();
}

function focusRow(index) {
  const all = $("rows").children;
  const row = all[Math.max(0, Math.min(index, all.length - 1))];
  if (row) row.focus();
}

$("rows").addEventListener("focusin", (event) => {
  const row = event.target.closest(".row");
  for (const other of $("rows").children) other.tabIndex = other === row ? 0 : -1;
});
const focusedRow = () => [...$("rows").children].indexOf(document.activeElement.closest?.(".row"));

// ---- two versions of a song

function showVersion(version) {
  if (version === current) return;
  const chosen = new Map();
  const each = (tracks, call) => {
    const seen = new Map();
    for (const track of tracks) {
      const nth = (seen.get(track.name) || 0) + 1;
      seen.set(track.name, nth);
      call(track, `${nth} ${track.name}`);
    }
  };
  each(current.tracks, (track, key) => chosen.set(key, track));
  each(version.tracks, (track, key) => {
    const other = chosen.get(key);
    track.isSolo = Boolean(other && other.isSolo);
    track.isMuted = Boolean(other && other.isMuted);
  });
  whilePlaying(() => { endVoices(); current = version; });
  buildRows();
  buildVersions();
  refresh();
  say(`${version.label}: ${version.tracks.length} instruments`);
}

function buildVersions() {
  if (versions.length < 2) return;
  const buttons = versions.map((version) => {
    const button = element("button", { "aria-pressed": String(version === current), title: "Switch (A)" }, version.label);
    button.addEventListener("click", () => { showVersion(version); $("versions").querySelector("[aria-pressed=true]").focus(); });
    return button;
  });
  const group = element("span", { class: "group" }, ...buttons);
  $("versions").replaceChildren(group, element("span", {}, data.difference));
  $("versions").hidden = false;
}

// ---- pointer

function setUpPointer() {
  const fingers = new Map();
  let drag = null;
  const at = (event) => {
    const box = over.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const spread = () => {
    const [one, two] = [...fingers.values()];
    return { width: Math.max(20, Math.hypot(one.x - two.x, one.y - two.y)), x: (one.x + two.x) / 2 };
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    try { over.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
    fingers.set(event.pointerId, at(event));
    drag = fingers.size > 1 ? { pinch: spread() } : { from: at(event), last: at(event), isRuler: at(event).y < RULER, hasMoved: false };
  });
  over.addEventListener("pointermove", (event) => {
    const point = at(event);
    if (!fingers.has(event.pointerId)) {
      over.style.cursor = point.y < RULER ? "col-resize" : "default";
      return;
    }
    fingers.set(event.pointerId, point);
    if (drag && drag.pinch && fingers.size > 1) {
      const now = spread();
      zoomBy(now.width / drag.pinch.width, now.x);
      scrollBy(drag.pinch.x - now.x);
      drag.pinch = now;
    } else if (drag && drag.from) {
      drag.hasMoved = drag.hasMoved || Math.hypot(point.x - drag.from.x, point.y - drag.from.y) > 4;
      if (drag.hasMoved && drag.isRuler) setLoop(secondsAt(drag.from.x), secondsAt(point.x), true);
      else if (drag.hasMoved) {
        setFollowing(false);
        scrollBy(drag.last.x - point.x, drag.last.y - point.y);
      }
      drag.last = point;
    }
  });
  const finish = (event) => {
    if (drag && drag.from && !drag.hasMoved && event.type === "pointerup") {
      const { x } = at(event);
      if (x >= view.gutter) goTo(secondsAt(x));
    }
    fingers.delete(event.pointerId);
    drag = null;
  };
  over.addEventListener("pointerup", finish);
  over.addEventListener("pointercancel", finish);
  over.addEventListener("wheel", (event) => {
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isFramed && !event.ctrlKey && !event.altKey && !isSideways) return; // the notebook scrolls
    event.preventDefault();
    const delta = (event.deltaMode ? 16 : 1) * (event.deltaY || event.deltaX);
    if (event.altKey) zoomRows(Math.exp(-delta / 400));
    else if (isSideways) { setFollowing(false); scrollBy((event.deltaMode ? 16 : 1) * (event.deltaX || event.deltaY)); }
    else zoomBy(Math.exp(-delta / 300), at(event).x);
  }, { passive: false });
}

// ---- keys

const KEYS = {
  " ": () => togglePlay(),
  k: () => togglePlay(),
  ArrowLeft: (event) => stepBy(-1, event.shiftKey),
  ArrowRight: (event) => stepBy(1, event.shiftKey),
  ArrowUp: (event) => moveUp(event, 1),
  ArrowDown: (event) => moveUp(event, -1),
  Home: () => jumpTo(0),
  End: () => jumpTo(end),
  "+": () => zoomBy(1.4),
  "=": () => zoomBy(1.4),
  "-": () => zoomBy(1 / 1.4),
  0: () => $("fit").click(),
  PageUp: () => { setFollowing(false); scrollBy(-0.8 * (view.width - view.gutter)); },
  PageDown: () => { setFollowing(false); scrollBy(0.8 * (view.width - view.gutter)); },
  l: () => toggleLoop(),
  "[": () => { const head = headNow(); setLoop(head, player.loop.end > head ? player.loop.end : end, true); say(`Loop from ${clockText(head)}`); },
  "]": () => { const head = headNow(); setLoop(player.loop.start < head ? player.loop.start : 0, head, true); say(`Loop to ${clockText(head)}`); },
  ",": () => setSpeed(SPEEDS[Math.max(0, lowerBound(SPEEDS, player.speed) - 1)]),
  ".": () => setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, lowerBound(SPEEDS, player.speed) + 1)]),
  m: () => { if (focusedRow() >= 0) toggle(focusedRow(), "isMuted"); },
  s: () => { if (focusedRow() >= 0) toggle(focusedRow(), "isSolo"); },
  f: () => { setFollowing(!view.isFollowing); say(`Follow ${view.isFollowing ? "on" : "off"}`); },
  a: () => { if (versions.length > 1) showVersion(versions[(versions.indexOf(current) + 1) % versions.length]); },
  "?": () => $("keys").showModal(),
};

const SLIDES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

function moveUp(event, direction) {
  if (event.shiftKey) zoomRows(direction > 0 ? 1.25 : 0.8);
  else if (focusedRow() >= 0) focusRow(focusedRow() - direction);
  else scrollBy(0, -direction * 40);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const target = event.target, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (target.tagName === "SELECT" || (target === $("volume") && SLIDES.has(key))) return;
  if (target.tagName === "BUTTON" && (key === " " || key === "Enter")) return;
  if (!Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key](event);
}

// ---- what tests, and other pages' scripts on the same origin, may read

/** State of the player, as plain values: read it, do not rely on more than is documented. */
window.midikitState = () => ({
  version: current.label,
  context: player.context ? player.context.state : "none",
  playing: player.isPlaying,
  head: headNow(),
  end,
  scheduled: player.scheduled,
  sounding: current.tracks.flatMap((track, index) => {
    const found = [];
    if (isAudible(track)) eachBetween(track, headNow(), headNow(), (i) => found.push([index, track.pitch[i]]));
    return found;
  }),
  voices: player.voices.length,
  speed: player.speed,
  volume: player.volume,
  loop: { on: player.loop.isOn, start: player.loop.start, end: player.loop.end },
  following: view.isFollowing,
  zoom: { scale: view.scale, left: view.left, right: view.left + seconds(), row: view.row, top: view.top },
  painted: view.painted,
  firstPaint: view.firstPaint,
  area: { gutter: view.gutter, ruler: RULER, width: view.width, height: view.height, strip: view.stripTop },
  place: placeOf(headNow()),
  status: $("live").textContent,
  tracks: current.tracks.map((track) => ({
    name: track.name, notes: track.count, solo: track.isSolo, muted: track.isMuted,
    audible: isAudible(track), scheduled: track.scheduled, odd: track.odd.reduce((sum, is) => sum + is, 0),
  })),
});

// ---- begin

$("position").max = end;
$("play").addEventListener("click", togglePlay);
$("start").addEventListener("click", () => goTo(0));
$("loop").addEventListener("click", toggleLoop);
$("speed").addEventListener("change", () => setSpeed(Number($("speed").value)));
$("volume").addEventListener("input", () => {
  player.volume = $("volume").value / 100;
  if (player.master) player.master.gain.setTargetAtTime(player.volume ** 2, player.context.currentTime, 0.01);
});
$("position").addEventListener("input", () => goTo(Number($("position").value)));
$("in").addEventListener("click", () => zoomBy(1.4));
$("out").addEventListener("click", () => zoomBy(1 / 1.4));
$("fit").addEventListener("click", () => { fitAll(); view.isRowZoomed = false; fitRows(); clampView(); refresh(); });
$("follow").addEventListener("click", () => setFollowing(!view.isFollowing));
$("help").addEventListener("click", () => $("keys").showModal());
$("all").addEventListener("click", () => {
  setParts(() => { for (const track of current.tracks) track.isSolo = track.isMuted = false; });
  say("All instruments play");
});
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => { if (player.isPlaying) lookAhead(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readTheme(); refresh(); });
base.setAttribute("aria-label", `Piano roll: ${data.summary}`);
readTheme();
buildRows();
buildVersions();
setUpPointer();
showPosition();
new ResizeObserver(resize).observe(base.parentElement);
resize();
