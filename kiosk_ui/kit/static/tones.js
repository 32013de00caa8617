// Each verdict has a tone, a buzz, a shape and words; the tone is made here where this machine has no own speaker port.

/** [frequency in Hz, seconds] per tone, with 0.08 s between; buzz in ms. */
const VERDICTS = {
  good: { tones: [[1760, 0.12]], buzz: [60] },
  received: { tones: [[1760, 0.12]], buzz: [60] },
  duplicate: { tones: [[392, 0.18]], buzz: [] },
  wrong_ward: { tones: [[880, 0.1], [880, 0.1]], buzz: [120, 80, 120] },
  not_discharged: { tones: [[880, 0.1], [880, 0.1]], buzz: [120, 80, 120] },
  taken: { tones: [[880, 0.1], [880, 0.1]], buzz: [120, 80, 120] },
  choose: { tones: [[880, 0.1], [880, 0.1]], buzz: [120, 80, 120] },
  sealed: { tones: [[660, 0.35], [660, 0.35]], buzz: [300, 100, 300] },
  unknown: { tones: [[330, 0.14], [330, 0.14], [330, 0.14]], buzz: [600] },
  unreadable: { tones: [[330, 0.14], [330, 0.14], [330, 0.14]], buzz: [600] },
};

/** @type {AudioContext | null} */
let audio = null;

/** @param {string} verdict */
export function play(verdict) {
  const sign = VERDICTS[/** @type {keyof typeof VERDICTS} */ (verdict)];
  if (!sign) return;
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(sign.buzz); // refused loudly before the first touch
  audio ??= new AudioContext();
  let at = audio.currentTime + 0.01;
  for (const [frequency, length] of sign.tones) {
    const tone = audio.createOscillator();
    const level = audio.createGain();
    tone.frequency.value = frequency;
    level.gain.setValueAtTime(0.0001, at);
    level.gain.exponentialRampToValueAtTime(0.4, at + 0.01);
    level.gain.exponentialRampToValueAtTime(0.0001, at + length);
    tone.connect(level).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
    at += length + 0.08;
  }
}

/** `way:verdict` {verdict} plays; `<body data-quiet>` keeps still where the machine sounds the tone itself. */
export function startTones() {
  document.addEventListener("way:verdict", (event) => {
    if ("quiet" in document.body.dataset) return;
    play(/** @type {CustomEvent<{verdict: string}>} */ (event).detail.verdict);
  });
}
