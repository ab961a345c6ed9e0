// Words that were blanked out: which part of the recording is asked about them, and what takes their place.

const AROUND = 4; // seconds of known words asked about on both sides, in a recording too long to be heard at once
const BEYOND = 1; // seconds heard before the first and after the last of the words, where nobody speaks

/**
 * The parts of a recording in which blanked words lie, each short enough to be heard at once: its words from `first` to
 * before `stop`, its `text` with gaps, and its `start` and `end` in seconds (null: the recording's end).
 */
export function parts(words, duration, most) {
  if (duration <= most) return [part(words, 0, words.length, 0, null)];
  const found = [];
  words.forEach((word, number) => {
    if (!word.blanked) return;
    const last = found.at(-1);
    if (last && word.end - words[last.first].start < most - 2 * AROUND) last.last = number;
    else found.push({ first: number, last: number });
  });
  let taken = 0; // words before this one are in an earlier part
  return found.map(({ first, last }, index) => {
    const limit = found[index + 1]?.first ?? words.length;
    let from = first;
    while (from > taken && words[from - 1].start > words[first].start - AROUND) from -= 1;
    let stop = last + 1;
    while (stop < limit && words[stop].end < words[last].end + AROUND) stop += 1;
    taken = stop;
    const before = words[from - 1]?.end ?? 0;
    const after = words[stop]?.start ?? duration;
    const start = Math.max((before + words[from].start) / 2, words[from].start - BEYOND);
    const end = Math.min((words[stop - 1].end + after) / 2, words[stop - 1].end + BEYOND);
    return part(words, from, stop, Math.max(0, start), end);
  });
}

function part(words, first, stop, start, end) {
  const said = words.slice(first, stop);
  const text = said.map((word, i) => (!word.blanked ? word.word : said[i - 1]?.blanked ? "" : "___"));
  return { first, stop, start, end, text: text.filter(Boolean).join(" ") };
}

/** The words from `first` to before `stop` with those blanked replaced by what was filled in. */
export function completed(words, { first, stop }, filled) {
  const runs = [];
  filled.forEach((word, i) => {
    if (!word.filled) return;
    if (!filled[i - 1]?.filled) runs.push([]);
    runs.at(-1).push(word);
  });
  const done = [];
  for (let i = first; i < stop; i += 1) {
    if (!words[i].blanked) {
      done.push(words[i]);
      continue;
    }
    const gone = [];
    while (i < stop && words[i].blanked) gone.push(words[i++]);
    i -= 1;
    const was = gone.map((word) => word.was ?? word.word).join(" ");
    done.push(...(runs.shift() ?? []).map(({ filled: _, ...word }) => ({ ...word, was })));
  }
  return done;
}
