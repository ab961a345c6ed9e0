// Plays a recording, or a part of it.

const AROUND = 0.05; // seconds heard before and after a word: its times are not better than that

export class Player {
  /** `moved(seconds)` is called while it plays, `broken()` where the browser cannot play the recording. */
  constructor(audio, moved, broken) {
    this.audio = audio;
    this.moved = moved;
    this.until = null;
    this.address = null;
    audio.addEventListener("play", () => this.watch());
    audio.addEventListener("seeked", () => moved(audio.currentTime));
    audio.addEventListener("error", () => this.address && broken());
    audio.addEventListener("pause", () => (this.until = null));
  }

  load(file) {
    this.audio.pause();
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(file);
    this.until = null;
    this.audio.src = this.address;
  }

  /** Plays from `start` to `end` seconds. */
  async part(start, end) {
    this.audio.pause();
    this.audio.currentTime = Math.max(0, start - AROUND);
    const until = end + AROUND;
    try {
      await this.audio.play();
    } catch {
      return; // another part was asked for meanwhile, or the error is told of by its event
    }
    this.until = until;
  }

  watch() {
    if (this.audio.paused) return;
    this.moved(this.audio.currentTime);
    if (this.until !== null && this.audio.currentTime >= this.until) {
      this.audio.pause();
      return;
    }
    requestAnimationFrame(() => this.watch());
  }
}
