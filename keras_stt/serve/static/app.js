// The page: a recording is sent, its words are shown as they are found, heard, blanked out and filled in again.

import * as api from "./api.js";
import { compare } from "./compare.js";
import { completed, parts } from "./gaps.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { clock, show, told } from "./words.js";

const at = (id) => document.getElementById(id);
const state = {
  model: null, // as the server describes it
  file: null,
  duration: 0, // seconds
  heard: [], // words as the server found them
  words: [], // as they are shown: some blanked out, some filled in
  blanking: false,
  filling: false, // words stay as they are while the server is asked about their gaps
  playable: true,
  work: null, // what aborts the request at work
};
const player = new Player(at("audio"), mark, () => {
  state.playable = false;
  at("audio").hidden = true;
  at("silent").hidden = false;
});

async function begin() {
  try {
    state.model = await api.model();
  } catch (error) {
    fail(error);
    return;
  }
  const { id, limits, capabilities } = state.model;
  at("model").textContent = id;
  const most = `${Math.round(limits.max_bytes / 1e6)} MB, ${clock(limits.max_seconds)} minutes`;
  at("limits").textContent = `FLAC, WAV, Ogg Opus or MP3; at most ${most}`;
  at("blank").hidden = at("fill").hidden = !capabilities.fill;
  at("record").hidden = !navigator.mediaDevices?.getUserMedia;
  for (const swatch of document.querySelectorAll(".swatch")) {
    swatch.style.setProperty("--unsure", swatch.dataset.doubt);
  }
  at("legend").querySelector(".word-key").hidden = !capabilities.fill;
}

/** Has both the draft and what is refined of it, where the model makes a difference between them. */
function refines() {
  const { capabilities, passes } = state.model;
  return capabilities.draft && capabilities.refine && passes > 0;
}

async function open(file) {
  if (!state.model) return;
  state.work?.abort();
  const work = (state.work = new AbortController());
  clear();
  const { max_bytes } = state.model.limits;
  if (file.size > max_bytes) {
    fail(new Error(`${file.name}: ${(file.size / 1e6).toFixed(1)} MB; at most ${max_bytes / 1e6} MB are taken`));
    return;
  }
  state.file = file;
  player.load(file);
  at("name").textContent = file.name;
  try {
    await hear(file, work.signal);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

async function hear(file, signal) {
  const { passes } = state.model;
  let draft = null;
  if (refines()) {
    say("Drafting …");
    draft = await api.transcribe(file, 0, (words) => soon(() => words.map(asPending)), signal);
    say("Refining …");
    shown(draft.words.map(asPending));
  } else {
    say("Listening …");
  }
  const done = await api.transcribe(file, passes, (words) => soon(() => withDraft(words, draft)), signal);
  if (signal.aborted) return;
  state.heard = done.words;
  state.duration = done.duration;
  shown(done.words);
  say(done.words.length ? "" : "No word was heard.");
  at("tools").hidden = false;
  if (draft) {
    at("comparison").hidden = false;
    const changes = compare(draft.words, done.words, at("draft"), at("refined"));
    at("changes").textContent = changes
      ? `Refining the draft changed ${changes} of ${draft.words.length} words.`
      : "Refining the draft changed nothing.";
  }
  advise();
}

/** The words that are refined so far, and after them those of the draft. */
function withDraft(words, draft) {
  const end = words.at(-1)?.end ?? 0;
  return draft ? [...words, ...draft.words.filter((word) => word.start >= end).map(asPending)] : words;
}

function asPending(word) {
  return { ...word, pending: true };
}

let next = null; // gives the words that are shown with the next picture

function soon(words) {
  if (!next) requestAnimationFrame(() => next && shown(next()));
  next = words;
}

function shown(words) {
  next = null;
  state.words = words;
  at("result").hidden = false;
  draw();
}

function draw() {
  show(at("words"), state.words, choose, (word) => (at("detail").textContent = told(word)));
  at("fill").disabled = state.filling || !state.words.some((word) => word.blanked);
  at("reset").disabled = state.filling;
  at("reset").hidden = !state.words.some((word) => word.was !== undefined || word.blanked);
}

function choose(number) {
  const word = state.words[number];
  if (state.blanking && !state.filling && !word.pending) {
    word.blanked = !word.blanked;
    draw();
    at("words").querySelectorAll(".word")[number].focus();
  } else if (state.playable) {
    player.part(word.start, word.end);
  }
}

/** Marks the word that is said at this time. */
function mark(seconds) {
  const number = state.words.findIndex((word) => word.start <= seconds && seconds < word.end);
  at("words").querySelector(".playing")?.classList.remove("playing");
  if (number >= 0) at("words").querySelectorAll(".word")[number]?.classList.add("playing");
}

async function fillIn() {
  const { file, duration } = state;
  const asked = parts(state.words, duration, state.model.limits.fill_seconds);
  const work = (state.work = new AbortController());
  let words = state.words;
  state.filling = true;
  draw();
  at("error").hidden = true;
  say("Listening to the gaps …");
  try {
    const done = [];
    let from = 0;
    for (const part of asked) {
      const filled = await api.fill(file, part.text, part.start, part.end, work.signal);
      done.push(...words.slice(from, part.first), ...completed(words, part, filled));
      from = part.stop;
    }
    if (work.signal.aborted) return;
    words = [...done, ...words.slice(from)];
    say("");
    state.blanking = false;
    state.words = words;
    advise();
  } catch (error) {
    if (error.name === "AbortError") return;
    fail(error);
  }
  state.filling = false;
  draw();
}

function reset() {
  state.words = state.heard.map((word) => ({ ...word, blanked: false }));
  draw();
}

function toggleBlanking() {
  state.blanking = !state.blanking;
  advise();
}

function advise() {
  at("blank").setAttribute("aria-pressed", state.blanking);
  at("hint").textContent = state.blanking
    ? "Click the words that are to be filled in again, then “Fill in from the audio”."
    : "Click a word to hear it. The more it is coloured, the less sure the model is.";
}

async function download() {
  try {
    const text = await api.subtitles(state.words.filter((word) => !word.blanked));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/x-subrip" }));
    link.download = `${state.file.name.replace(/\.[^.]*$/, "")}.srt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    fail(error);
  }
}

let recorder = null;

async function record() {
  if (recorder) {
    await endRecording();
    return;
  }
  at("error").hidden = true;
  const most = state.model.limits.max_seconds;
  const started = new Recorder((seconds, level) => {
    at("elapsed").textContent = clock(seconds);
    at("level").value = level;
    if (seconds >= most - 1) endRecording();
  });
  recorder = started;
  try {
    await started.start();
  } catch (error) {
    recorder = null;
    fail(new Error(`no microphone: ${error.message}`));
    return;
  }
  recordingIs(true);
}

async function endRecording() {
  const ended = recorder;
  if (!ended) return;
  recorder = null;
  recordingIs(false);
  const file = await ended.stop();
  if (file) await open(file);
  else fail(new Error("nothing was recorded; is the microphone on?"));
}

function recordingIs(on) {
  at("record").textContent = on ? "Stop" : "Record";
  at("record").setAttribute("aria-pressed", on);
  at("recording").hidden = !on;
  at("level").value = 0;
  at("elapsed").textContent = clock(0);
}

function clear() {
  next = null;
  Object.assign(state, { heard: [], words: [], blanking: false, filling: false, playable: true, duration: 0 });
  at("error").hidden = at("result").hidden = at("comparison").hidden = true;
  at("audio").hidden = false;
  at("silent").hidden = at("tools").hidden = true;
  at("detail").textContent = at("hint").textContent = "";
  at("words").replaceChildren();
  say("");
}

function say(text) {
  at("status").textContent = text;
}

function fail(error) {
  say("");
  at("error").textContent = error.message;
  at("error").hidden = false;
}

at("choose").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) open(file);
});
at("record").addEventListener("click", record);
at("blank").addEventListener("click", toggleBlanking);
at("fill").addEventListener("click", fillIn);
at("reset").addEventListener("click", reset);
at("srt").addEventListener("click", download);
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("drop").classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) open(file);
});
begin();
