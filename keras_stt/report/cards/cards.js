// Players of the cards: the whole, or any word alone. Times are seconds; a word's are in data-start and data-end.
(() => {
  "use strict";
  const RATE = 16000; // Hz, of all clips
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
    const ready = asWave(audio).catch(() => undefined); // then as it is
    let stop = Infinity; // where the word that was clicked ends
    audio.controls = false; // ours are better, and the browser's are for those who let no script run

    async function begin(from, to) {
      for (const other of players) if (other.audio !== audio) other.audio.pause();
      await ready;
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
      draw();
      if (!audio.paused) requestAnimationFrame(watch);
    }

    // By the clock and not by frames, which come late where much is drawn.
    function stopInTime() {
      if (audio.paused || stop === Infinity) return;
      const left = stop - audio.currentTime;
      if (left <= 0) return audio.pause();
      setTimeout(stopInTime, Math.min(1000, (1000 * left) / audio.playbackRate));
    }

    audio.addEventListener("play", watch);
    audio.addEventListener("playing", stopInTime);
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

  // Not every browser finds a place near the end of a FLAC file that has no table of places; of a WAV each finds all.
  async function asWave(audio) {
    const file = Uint8Array.from(atob(audio.src.split(",")[1]), (letter) => letter.charCodeAt(0));
    const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(file.buffer);
    const samples = Int16Array.from(decoded.getChannelData(0), (value) => Math.max(-32768, Math.min(32767, value * 32768)));
    const header = new DataView(new ArrayBuffer(44));
    const write = (at, letters) => [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
    write(0, "RIFF");
    header.setUint32(4, 36 + 2 * samples.length, true);
    write(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true); // PCM
    header.setUint16(22, 1, true); // channels
    header.setUint32(24, RATE, true);
    header.setUint32(28, 2 * RATE, true);
    header.setUint16(32, 2, true);
    header.setUint16(34, 16, true);
    write(36, "data");
    header.setUint32(40, 2 * samples.length, true);
    audio.src = URL.createObjectURL(new Blob([header, samples], { type: "audio/wav" }));
  }
})();
