import type { TextMapPropagator } from '@opentelemetry/api';
import { b3 } from '../api/propagation/b3.ts';
import { BaggagePropagator } from '../api/propagation/baggage.ts';
import { compositePropagator } from '../api/propagation/composite.ts';
import { TraceContextPropagator } from '../api/propagation/trace-context.ts';

/** Propagators few programs need; each host has its way to come by them. */
export type RarePropagator = 'jaeger' | 'xray' | 'ottrace';

type Propagators = ReadonlyMap<string, () => TextMapPropagator | undefined>;

const RARE: readonly RarePropagator[] = ['jaeger', 'xray', 'ottrace'];
const DEFAULT = 'tracecontext,baggage';

/**
 * The propagator that `OTEL_PROPAGATORS` names: `tracecontext`, `baggage`, `b3`, `b3multi`,
 * `jaeger`, `xray`, `ottrace`, separated by commas, each taken once, in upper or lower case; `none`
 * alone for a propagator that does nothing (specification, "General SDK Configuration"). Other
 * names are reported and ignored.
 *
 * @param rare Comes by one of the rare ones; undefined where it cannot, which it has reported then.
 * @returns undefined where the variable is unset or has nothing that can be used: the default
 *   applies.
 */
export function resolvePropagator(
  env: Readonly<Record<string, string | undefined>>,
  warn: (line: string) => void,
  rare: (name: RarePropagator) => TextMapPropagator | undefined,
): TextMapPropagator | undefined {
  const names = new Map<string, string>();
  for (const text of (env.OTEL_PROPAGATORS ?? '').split(',')) {
    const given = text.trim();
    if (given !== '') names.set(given.toLowerCase(), given);
  }
  if (names.size === 0) return undefined;
  if (names.size === 1 && names.has('none')) return compositePropagator([]);

  const known: Propagators = new Map<string, () => TextMapPropagator | undefined>([
    ['tracecontext', () => new TraceContextPropagator()],
    ['baggage', () => new BaggagePropagator()],
    ['b3', () => b3()],
    ['b3multi', () => b3({ inject: 'multi' })],
    ...RARE.map((name) => [name, () => rare(name)] as const),
  ]);
  const propagators: TextMapPropagator[] = [];
  const unknown: string[] = [];
  for (const [name, given] of names) {
    const make = known.get(name);
    if (make === undefined) unknown.push(`'${given.slice(0, 40)}'`);
    const propagator = make?.();
    if (propagator !== undefined) propagators.push(propagator);
  }
  if (unknown.length > 0) {
    warn(
      `OTEL_PROPAGATORS has ${unknown.join(', ')}, which is ignored; ` +
        `give some of ${[...known.keys()].join(', ')}, or none alone.`,
    );
  }
  if (propagators.length > 0) return compositePropagator(propagators);
  warn(`OTEL_PROPAGATORS names nothing that can be used; ${DEFAULT} is used.`);
  return undefined;
}
