/**
 * Which format a scrape gets (Prometheus, "Scrape protocol content negotiation"; RFC 9110, sections
 * 12.4 and 12.5).
 */

import { type EscapingScheme, isEscapingScheme } from './escaping.ts';
import type { ExpositionFormat } from './settings.ts';

export interface Negotiated extends Required<ExpositionFormat> {
  readonly contentType: string;
}

/** One of a header's list, such as `text/plain;version=0.0.4;q=0.5`. */
interface Choice {
  readonly value: string;
  /** Lower case names; values without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

interface Protocol {
  readonly type: string;
  readonly version: string;
  readonly openMetrics: boolean;
}

const TEXT = { type: 'text/plain', version: '0.0.4', openMetrics: false };
/** Whoever accepts anything gets the first. The second differs from it by what names may be. */
const PROTOCOLS: readonly Protocol[] = [
  TEXT,
  { type: 'text/plain', version: '1.0.0', openMetrics: false },
  { type: 'application/openmetrics-text', version: '1.0.0', openMetrics: true },
];

/** That of whoever accepts none of ours is the text format, too: Prometheus wants an answer. */
export function negotiate(accept: string | null | undefined): Negotiated {
  const choices = choicesOf(accept);
  const refused = choices.filter(({ quality }) => quality === 0);
  for (const choice of choices) {
    if (choice.quality === 0) continue;
    const protocol = PROTOCOLS.find(
      (each) => matches(choice, each) && !refused.some((one) => isExactly(one, each)),
    );
    if (protocol !== undefined) return answered(protocol, choice.parameters.get('escaping'));
  }
  return answered(TEXT, undefined);
}

function answered(protocol: Protocol, asked: string | undefined): Negotiated {
  const { type, version, openMetrics } = protocol;
  // Not what was asked for but what it is known to be goes into the header.
  const known = asked !== undefined && isEscapingScheme(asked) ? asked : undefined;
  const escaping: EscapingScheme = known ?? 'underscores';
  const isSaid = protocol !== TEXT || known !== undefined;
  const contentType = `${type}; version=${version}; charset=utf-8`;
  return {
    openMetrics,
    escaping,
    contentType: isSaid ? `${contentType}; escaping=${escaping}` : contentType,
  };
}

function matches({ value, parameters }: Choice, { type, version }: Protocol): boolean {
  if (value === '*/*') return true;
  if (value === type) return (parameters.get('version') ?? versionOf(type)) === version;
  return value === `${type.split('/')[0]}/*`;
}

function isExactly({ value, parameters }: Choice, { type, version }: Protocol): boolean {
  return value === type && (parameters.get('version') ?? version) === version;
}

/** The oldest, where none is asked for. */
function versionOf(type: string): string | undefined {
  return PROTOCOLS.find((protocol) => protocol.type === type)?.version;
}

export function acceptsGzip(acceptEncoding: string | null | undefined): boolean {
  const choices = choicesOf(acceptEncoding);
  const of = (...names: string[]) => choices.find(({ value }) => names.includes(value));
  return ((of('gzip', 'x-gzip') ?? of('*'))?.quality ?? 0) > 0;
}

/** Longest header that is read; Prometheus' has 300 characters. */
const MAX_LENGTH = 4096;

/** Best first; in the order of the header where qualities are the same. */
function choicesOf(header: string | null | undefined): Choice[] {
  if (!header || header.length > MAX_LENGTH) return [];
  return header
    .split(',')
    .map(choiceOf)
    .filter(({ value }) => value !== '')
    .sort((a, b) => b.quality - a.quality);
}

function choiceOf(text: string): Choice {
  const [value = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [name = '', ...parts] = parameter.split('=');
    const given = parts.join('=').trim();
    parameters.set(name.trim().toLowerCase(), given.replace(/^"(.*)"$/, '$1'));
  }
  return { value: value.trim().toLowerCase(), parameters, quality: qualityOf(parameters.get('q')) };
}

/** What is no quality asks for nothing. */
function qualityOf(text: string | undefined): number {
  if (text === undefined) return 1;
  return /^(0(\.\d*)?|1(\.0*)?)$/.test(text) ? Number(text) : 0;
}
