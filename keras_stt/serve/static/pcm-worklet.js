// Hands the microphone's samples on, some at a time.

const BLOCK = 4096;

class Pcm extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
  }

  process([channels]) {
    const samples = channels[0];
    if (!samples) return true;
    for (const value of samples) {
      this.block[this.filled++] = value;
      if (this.filled === BLOCK) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("pcm", Pcm);
