// Players of the cards: the whole, or any word alone. Times are seconds; a word's are in data-start and data-end.
(() => {
  "use strict";
  const cards = [...document.querySelectorAll(".card")];
  const players = cards.map(player);

  function player(card) {
    const audio = card.querySelector("audio");
    const play = card.querySelector(".play");
    const seek = card.querySelector(".seek");
    const now = card.querySelector(".now");
    const slow = card.querySelector(".slow input");
    const timelines = [...card.querySelectorAll(".timeline")];
    const words = [...card.querySelectorAll("[data-start]")];
    let stop = Infinity; // where the word that was clicked ends

    function begin(from, to) {
      for (const other of players) if (other.audio !== audio) other.audio.pause();
      stop = to;
      audio.currentTime = from;
      audio.play().catch((error) => {
        if (error.name !== "AbortError") throw error; // another click came first
      });
    }

    function draw() {
      const time = audio.currentTime;
      if (document.activeElement !== seek || !audio.paused) seek.value = time;
      now.textContent = time.toFixed(1);
      play.querySelector(".icon").textContent = audio.paused ? "▶" : "❚❚";
      play.querySelector(".action").textContent = audio.paused ? "Play" : "Pause";
      for (const word of words) {
        const sounds = !audio.paused && word.dataset.start <= time && time < word.dataset.end;
        word.classList.toggle("sounding", sounds);
      }
      for (const timeline of timelines) {
        const left = time * timeline.dataset.scale;
        timeline.querySelector(".cursor").style.left = left + "px";
        const shown = timeline.clientWidth - timeline.querySelector(".names").offsetWidth;
        const hidden = left < timeline.scrollLeft || left > timeline.scrollLeft + shown - 20;
        if (!audio.paused && hidden) timeline.scrollLeft = Math.max(0, left - 40);
      }
    }

    function watch() {
      if (audio.currentTime >= stop) audio.pause();
      draw();
      if (!audio.paused) requestAnimationFrame(watch);
    }

    audio.addEventListener("play", watch);
    audio.addEventListener("pause", draw);
    audio.addEventListener("seeked", draw);
    audio.addEventListener("timeupdate", () => audio.currentTime >= stop && audio.pause()); // of a hidden page, too
    play.addEventListener("click", () => {
      if (!audio.paused) return audio.pause();
      begin(audio.ended || audio.currentTime >= audio.duration - 0.05 ? 0 : audio.currentTime, Infinity);
    });
    seek.addEventListener("input", () => {
      stop = Infinity;
      audio.currentTime = Number(seek.value);
    });
    slow.addEventListener("change", () => (audio.playbackRate = slow.checked ? 0.5 : 1));
    card.addEventListener("click", (event) => {
      const word = event.target.closest("[data-start]");
      if (word) return begin(Number(word.dataset.start), Number(word.dataset.end));
      const picture = event.target.closest(".picture");
      if (!picture) return;
      const scale = Number(picture.closest(".timeline").dataset.scale);
      begin((event.clientX - picture.getBoundingClientRect().left) / scale, Infinity);
    });
    card.addEventListener("keydown", (event) => event.key === "Escape" && audio.pause());
    for (const timeline of timelines) {
      timeline.addEventListener("scroll", () => {
        for (const other of timelines) {
          if (other !== timeline && Math.abs(other.scrollLeft - timeline.scrollLeft) > 1) {
            other.scrollLeft = timeline.scrollLeft;
          }
        }
      });
    }
    return { audio };
  }
})();
