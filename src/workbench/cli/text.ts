/** Text from elsewhere made fit for a terminal: harmless, of a known width, with units. */

/**
 * Controls (C0, DEL, C1), line separators, marks that turn the direction of writing, invisible
 * characters and lone surrogates: whatever could move the cursor or disguise what follows.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udfff]/gu;

/** The same text with nothing in it that a terminal would act upon. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}

/** Code points two columns wide: East Asian wide and full-width ranges, emoji. */
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f004}\u{1f0cf}\u{1f18e}\u{1f191}-\u{1f19a}\u{1f200}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f7e0}-\u{1f7eb}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Combining marks, variation selectors and joined modifiers take no column of their own. */
const ZERO_WIDTH = /\p{Mn}|\p{Me}|[\ufe00-\ufe0f\u{1f3fb}-\u{1f3ff}]/u;

function charWidth(char: string): number {
  if (char < '\u0300') return 1;
  if (ZERO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** Terminal columns `text` takes, give or take a rare emoji. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** `text` in exactly `width` columns: padded, or cut with an ellipsis. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  let columns = textWidth(text);
  if (columns > width) {
    text = cut(text, width - 1);
    columns = textWidth(text) + 1;
    text += width > 0 ? '…' : '';
  }
  const padding = ' '.repeat(Math.max(0, width - columns));
  return align === 'left' ? text + padding : padding + text;
}

function cut(text: string, width: number): string {
  let columns = 0;
  let end = 0;
  for (const char of text) {
    columns += charWidth(char);
    if (columns > width) break;
    end += char.length;
  }
  return text.slice(0, end);
}

/** Nanoseconds with a fitting unit and three digits: `850 ns`, `12.3 µs`, `1.20 s`, `2 m 03 s`. */
export function formatDuration(nanoseconds: number | bigint): string {
  const ns = Number(nanoseconds);
  if (ns < 0) return `-${formatDuration(-ns)}`;
  // Bounds at which three digits would round up to the next unit's first.
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 59.95e9) return `${threeDigits(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  const pad = (n: number) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} m`;
}

/** Bytes with a binary unit: `512 B`, `1.46 KiB`, `20.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let unit = -1;
  while (bytes >= 1023.5 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${threeDigits(bytes)} ${units[unit]}`;
}

/** A whole number with a space between thousands. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `1 span`, `2 spans`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** How many times smaller: `6.1×`; a dash when nothing was sent. */
export function formatRatio(raw: number, compressed: number): string {
  return compressed > 0 ? `${(raw / compressed).toFixed(1)}×` : '–';
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}
