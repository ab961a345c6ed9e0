// The microphone to a WAV file of 16 kHz: what a browser's own recorder writes, the server cannot read.

import { wav } from "./wav.js";

const RATE = 16000; // Hz

export class Recorder {
  /** `heard(seconds, level)` is called while it records, level from 0 to 1. */
  constructor(heard) {
    this.heard = heard;
  }

  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    this.context = new AudioContext();
    this.blocks = [];
    this.count = 0;
    await this.context.audioWorklet.addModule("/static/pcm-worklet.js");
    const source = this.context.createMediaStreamSource(this.stream);
    this.tap = new AudioWorkletNode(this.context, "pcm", { numberOfOutputs: 0 });
    this.tap.port.onmessage = ({ data }) => this.take(data);
    source.connect(this.tap);
  }

  take(block) {
    this.blocks.push(block);
    this.count += block.length;
    const loudest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    this.heard(this.count / this.context.sampleRate, loudest);
  }

  /** Ends, and resolves to the file; null where nothing was recorded. */
  async stop() {
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
    if (!this.count) return null;
    const rate = this.context.sampleRate;
    const samples = new Float32Array(this.count);
    let at = 0;
    for (const block of this.blocks) {
      samples.set(block, at);
      at += block.length;
    }
    this.blocks = [];
    return new File([wav(await resampled(samples, rate), RATE)], "recording.wav", { type: "audio/wav" });
  }
}

async function resampled(samples, rate) {
  if (rate === RATE) return samples;
  const offline = new OfflineAudioContext(1, Math.ceil((samples.length * RATE) / rate), RATE);
  const buffer = offline.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = offline.createBufferSource();
  source.buffer = buffer;
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}
