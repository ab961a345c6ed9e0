// What the page asks of the server.

/** The model that is served: what it can do, and how much it takes. */
export async function model() {
  const answer = await asked(fetch("/v1/models"));
  return (await answer.json()).data[0];
}

/**
 * Transcribes a recording, and calls `heard(words)` with all words so far whenever there is one more.
 * Resolves to all words and the recording's seconds.
 */
export async function transcribe(file, passes, heard, signal) {
  const form = new FormData();
  form.set("file", file, file.name);
  form.set("passes", passes);
  form.set("stream", "true");
  const answer = await asked(fetch("/v1/audio/transcriptions", { method: "POST", body: form, signal }));
  const words = [];
  let duration = null;
  for await (const event of events(answer.body)) {
    if (event.error) throw new Error(event.error.message);
    if (event.word) {
      words.push(event.word);
      heard(words);
    } else {
      duration = event.duration; // of the last event
    }
  }
  if (duration === null) throw new Error("the server broke off; see its log");
  return { words, duration };
}

/** Completes `text`, what is said from `start` to `end` seconds (null: the recording's end): its words. */
export async function fill(file, text, start, end, signal) {
  const form = new FormData();
  form.set("file", file, file.name);
  form.set("text", text);
  form.set("start", start);
  if (end !== null) form.set("end", end);
  const answer = await asked(fetch("/v1/audio/fill", { method: "POST", body: form, signal }));
  return (await answer.json()).words;
}

/** Words as the text of an SRT file. */
export async function subtitles(words) {
  const shown = words.map(({ word, start, end }) => ({ word, start, end }));
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ words: shown, format: "srt" });
  return (await asked(fetch("/v1/audio/subtitles", { method: "POST", headers, body }))).text();
}

async function asked(request) {
  let answer;
  try {
    answer = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server cannot be reached; is it still running?");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw new Error(told?.error?.message ?? `the server answered ${answer.status}`);
}

async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += decoder.decode(value, { stream: true });
    const whole = held.split("\n\n");
    held = whole.pop();
    for (const event of whole) yield JSON.parse(event.replace(/^data: /, ""));
  }
}
