/** ANSI colours, or none. */

export type Ink = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

const CODES: Readonly<Record<Ink, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

export type Paint = (ink: Ink, text: string) => string;

/** Colours text when `color` is true, else leaves it as it is. */
export function painter(color: boolean): Paint {
  return (ink, text) => {
    if (!color || text === '') return text;
    const [on, off] = CODES[ink];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** Whether to colour what is written to a stream: the conventions `NO_COLOR` and `FORCE_COLOR`. */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
