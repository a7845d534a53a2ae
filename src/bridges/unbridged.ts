/** Where a bridged method of the console keeps the method that it calls. */
const PRINTS = Symbol.for('otlp-wasm.console.prints');

export type Print = (...values: unknown[]) => void;

type Bridged = Print & { [PRINTS]?: Print };

export function bridged(method: Print, prints: Print): Print {
  return Object.assign(method, { [PRINTS]: prints });
}

/**
 * A method of the console without the bridges on it, by whichever copy of the package: for what prints
 * records, which must not become records again.
 */
export function unbridged(method: Print): Print {
  let print: Bridged = method;
  while (print[PRINTS] !== undefined) print = print[PRINTS];
  return print;
}
