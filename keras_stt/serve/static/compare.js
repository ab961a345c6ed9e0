// Two texts side by side, with what one has and the other has not.

/** Shows both in their places, and returns how many words differ. */
export function compare(draft, refined, draftPlace, refinedPlace) {
  const [first, second] = [draft, refined].map((words) => words.map(({ word }) => word));
  const kept = common(first, second);
  draftPlace.replaceChildren(...marked(first, kept.first, "del"));
  refinedPlace.replaceChildren(...marked(second, kept.second, "ins"));
  const gone = first.length - kept.first.size;
  const come = second.length - kept.second.size;
  return Math.max(gone, come);
}

function marked(words, kept, tag) {
  return words.flatMap((word, i) => {
    if (kept.has(i)) return [`${word} `];
    const element = document.createElement(tag);
    element.textContent = word;
    return [element, " "];
  });
}

/** Which words of both are in their longest common subsequence. */
function common(first, second) {
  let [from, a, b] = [0, first.length, second.length];
  while (from < a && from < b && first[from] === second[from]) from += 1;
  while (a > from && b > from && first[a - 1] === second[b - 1]) [a, b] = [a - 1, b - 1];
  const kept = { first: new Set(), second: new Set() };
  for (let i = 0; i < from; i += 1) keep(kept, i, i);
  for (let i = a, j = b; i < first.length; i += 1, j += 1) keep(kept, i, j);
  const width = b - from + 1;
  const longest = new Uint16Array((a - from + 1) * width);
  for (let i = a - 1; i >= from; i -= 1) {
    for (let j = b - 1; j >= from; j -= 1) {
      const at = (i - from) * width + j - from;
      longest[at] =
        first[i] === second[j] ? longest[at + width + 1] + 1 : Math.max(longest[at + width], longest[at + 1]);
    }
  }
  for (let [i, j] = [from, from]; i < a && j < b; ) {
    const at = (i - from) * width + j - from;
    if (first[i] === second[j]) keep(kept, i++, j++);
    else if (longest[at + width] >= longest[at + 1]) i += 1;
    else j += 1;
  }
  return kept;
}

function keep(kept, i, j) {
  kept.first.add(i);
  kept.second.add(j);
}
