// A transcript as chips, a button for every word, in lines with the time at which each begins.

const PAUSE = 0.7; // seconds, after which a line begins
const LINE = 10; // words of a line, at most

/** Shows words in `place`; `chosen(number)` is called for the one that is clicked, `pointed(word)` for one looked at. */
export function show(place, words, chosen, pointed) {
  const lines = [];
  words.forEach((word, number) => {
    const before = words[number - 1];
    const last = lines.at(-1);
    if (!last || word.start - before.end >= PAUSE || last.count === LINE) lines.push(line(word.start));
    const { chips } = lines.at(-1);
    chips.append(chip(word, () => chosen(number), () => pointed(word)));
    lines.at(-1).count += 1;
  });
  place.replaceChildren(...lines.map(({ element }) => element));
}

/** How a word is told of: with its times and how sure the model is. */
export function told(word) {
  const said = `${word.word}: ${word.start.toFixed(2)} to ${word.end.toFixed(2)} s, ${percent(word.confidence)} sure`;
  return word.was === undefined ? said : `${said}, filled in; it was ${word.was}`;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function line(start) {
  const element = document.createElement("div");
  element.className = "line";
  const time = document.createElement("time");
  time.textContent = clock(start);
  const chips = document.createElement("div");
  element.append(time, chips);
  return { element, chips, count: 0 };
}

function chip(word, clicked, pointed) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "word";
  button.textContent = word.word;
  button.title = told(word);
  button.setAttribute("aria-label", word.blanked ? `blanked out, was ${word.word}` : told(word));
  button.style.setProperty("--unsure", (1 - word.confidence).toFixed(3));
  button.classList.toggle("pending", Boolean(word.pending));
  if (word.blanked) button.classList.add("blanked");
  if (word.was !== undefined) {
    button.classList.add("filled");
    const note = document.createElement("small");
    note.textContent = `${percent(word.confidence)}, ${word.was === word.word ? "as before" : `was ${word.was}`}`;
    button.append(note);
  }
  button.addEventListener("click", clicked);
  button.addEventListener("pointerenter", pointed);
  button.addEventListener("focus", pointed);
  return button;
}
