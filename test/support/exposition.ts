/**
 * A strict reader of what Prometheus scrapes: the text format 0.0.4 (Prometheus, "Exposition formats")
 * and OpenMetrics 1.0.0, with quoted names of UTF-8. Throws, with the line, at anything that their
 * specifications rule out; Prometheus itself takes a lot more.
 */

export interface ReadExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly time: number | undefined;
}

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly time: number | undefined;
  readonly exemplar: ReadExemplar | undefined;
}

export interface ReadFamily {
  readonly name: string;
  type: string;
  unit: string;
  help: string;
  readonly samples: ReadSample[];
}

const TYPES = {
  text: ['counter', 'gauge', 'histogram', 'summary', 'untyped'],
  openMetrics: ['counter', 'gauge', 'histogram', 'summary', 'info', 'unknown'],
};

/** Names of samples may have these after the name of their family. */
const SUFFIXES = {
  text: {
    counter: [''],
    gauge: [''],
    untyped: [''],
    histogram: ['_bucket', '_sum', '_count'],
    summary: ['', '_sum', '_count'],
  } as Readonly<Record<string, readonly string[]>>,
  openMetrics: {
    counter: ['_total', '_created'],
    gauge: [''],
    unknown: [''],
    info: ['_info'],
    histogram: ['_bucket', '_sum', '_count', '_created'],
    summary: ['', '_sum', '_count', '_created'],
  } as Readonly<Record<string, readonly string[]>>,
};

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)/;
const MILLISECONDS = /^-?\d+/;
const SECONDS = /^[+-]?\d+(?:\.\d+)?/;

export function readExposition(text: string, format: 'text' | 'openMetrics'): ReadFamily[] {
  const openMetrics = format === 'openMetrics';
  if (/\r|\uFEFF/.test(text.replace(/"(?:[^"\\]|\\.)*"|# HELP .*/g, '')))
    throw new Error('CR or BOM');
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const lines = text.split('\n').slice(0, -1);
  if (openMetrics && lines.pop() !== '# EOF') throw new Error('# EOF is missing');
  const families: ReadFamily[] = [];
  const seenNames = new Set<string>();
  const sampleNames = new Set<string>();
  let family: ReadFamily | undefined;
  let described = new Set<string>();

  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line.startsWith('#')) {
      const match = /^# (TYPE|UNIT|HELP) (.*)$/s.exec(line) ?? fail('an unexpected comment');
      const [, keyword = '', rest = ''] = match;
      const cursor = new Cursor(rest, fail);
      const name = cursor.peek() === '"' ? cursor.quoted('name') : cursor.take(NAME, 'name');
      const value = cursor.rest();
      if (!value.startsWith(' ')) fail('no space after the name');
      if (family?.name !== name) {
        if (seenNames.has(name)) fail('a family that was there before');
        seenNames.add(name);
        family = { name, type: '', unit: '', help: '', samples: [] };
        described = new Set();
        families.push(family);
      }
      if (family.samples.length > 0) fail('metadata after samples');
      if (described.has(keyword)) fail('metadata that was there before');
      described.add(keyword);
      const content = value.slice(1);
      if (keyword === 'TYPE') {
        if (!TYPES[format].includes(content)) fail('no such type');
        family.type = content;
      } else if (keyword === 'UNIT') {
        if (!openMetrics) fail('a unit, which the format has not');
        if (!name.endsWith(`_${content}`)) fail('a unit that the name does not end in');
        family.unit = content;
      } else family.help = unescaped(content, openMetrics ? /\\["\\n]/g : /\\[\\n]/g, fail);
      continue;
    }
    const sample = readSample(line, openMetrics, fail);
    if (family === undefined) return fail('a sample without metadata');
    const suffixes = SUFFIXES[format][family.type] ?? [];
    const suffix = suffixes.find((each) => family?.name + each === sample.name);
    if (suffix === undefined) fail(`a sample that is none of ${family.type} ${family.name}`);
    family.samples.push(sample);
    if (sample.exemplar !== undefined) {
      if (!openMetrics || !['_total', '_bucket'].includes(suffix!)) fail('an exemplar here');
      checkExemplar(sample, fail);
    }
  }
  for (const each of families) {
    checkFamily(each, openMetrics);
    for (const name of new Set(each.samples.map((sample) => sample.name))) {
      if (sampleNames.has(name)) throw new Error(`two families have samples ${name}`);
      sampleNames.add(name);
    }
  }
  return families;
}

type Fail = (why: string) => never;

class Cursor {
  private at = 0;
  private readonly text: string;
  private readonly fail: Fail;

  constructor(text: string, fail: Fail) {
    this.text = text;
    this.fail = fail;
  }

  peek(): string {
    return this.text.charAt(this.at);
  }

  rest(): string {
    return this.text.slice(this.at);
  }

  take(pattern: RegExp, what: string): string {
    const [found] = pattern.exec(this.rest()) ?? this.fail(`no ${what} at ${this.rest()}`);
    this.at += found.length;
    return found;
  }

  skip(text: string): void {
    if (!this.rest().startsWith(text)) this.fail(`no '${text}' at '${this.rest()}'`);
    this.at += text.length;
  }

  quoted(what: string): string {
    const raw = this.take(/^"(?:[^"\\\n]|\\["\\n])*"/, what);
    return unescaped(raw.slice(1, -1), /\\["\\n]/g, this.fail);
  }
}

function unescaped(text: string, escapes: RegExp, fail: Fail): string {
  const plain = text.replace(escapes, '');
  if (plain.includes('\\')) fail('an escape there is not');
  return text.replace(escapes, (found) => (found === '\\n' ? '\n' : found[1]!));
}

function readSample(line: string, openMetrics: boolean, fail: Fail): ReadSample {
  const cursor = new Cursor(line, fail);
  const outside = cursor.peek() === '{' ? undefined : cursor.take(NAME, 'name');
  const { inside, labels } = readLabels(cursor, outside === undefined, fail);
  cursor.skip(' ');
  const value = numberOf(cursor.take(NUMBER, 'value'));
  const time = readTime(cursor, openMetrics);
  let exemplar: ReadExemplar | undefined;
  if (openMetrics && cursor.rest().startsWith(' # ')) {
    cursor.skip(' # ');
    if (cursor.peek() !== '{') fail('an exemplar without labels');
    const { labels: own } = readLabels(cursor, false, fail);
    cursor.skip(' ');
    const measured = numberOf(cursor.take(NUMBER, 'value of an exemplar'));
    exemplar = { labels: own, value: measured, time: readTime(cursor, true) };
  }
  if (cursor.rest() !== '') fail('something after the sample');
  return { name: outside ?? inside!, labels, value, time, exemplar };
}

function readTime(cursor: Cursor, openMetrics: boolean): number | undefined {
  if (!/^ [^#]/.test(cursor.rest())) return undefined;
  cursor.skip(' ');
  return Number(cursor.take(openMetrics ? SECONDS : MILLISECONDS, 'time'));
}

function readLabels(cursor: Cursor, named: boolean, fail: Fail) {
  const labels: Record<string, string> = {};
  let inside: string | undefined;
  if (cursor.peek() !== '{') return { inside, labels };
  cursor.skip('{');
  if (named) inside = cursor.quoted('name');
  else if (cursor.peek() === '}') {
    cursor.skip('}');
    return { inside, labels };
  }
  for (let first = !named; cursor.peek() !== '}'; first = false) {
    if (!first) cursor.skip(',');
    const isQuoted = cursor.peek() === '"';
    const name = isQuoted ? cursor.quoted('label') : cursor.take(LABEL, 'label');
    if (isQuoted && new RegExp(`${LABEL.source}$`).test(name)) fail('quotes around a classic name');
    if (name === '__name__') fail('a label for the name');
    cursor.skip('=');
    if (Object.hasOwn(labels, name)) fail(`label ${name} twice`);
    Object.defineProperty(labels, name, { value: cursor.quoted('value'), enumerable: true });
  }
  cursor.skip('}');
  return { inside, labels };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function checkExemplar({ name, labels, exemplar }: ReadSample, fail: Fail): void {
  const characters = Object.entries(exemplar!.labels).flat().join('');
  if ([...characters].length > 128) fail('an exemplar of more than 128 characters');
  if (name.endsWith('_bucket') && !(exemplar!.value <= numberOf(labels['le']!))) {
    fail('an exemplar outside of its bucket');
  }
}

/** Series that belong together, by their labels without that of their type. */
function groupsOf(family: ReadFamily, own: string): Map<string, ReadSample[]> {
  const groups = new Map<string, ReadSample[]>();
  let last: string | undefined;
  for (const sample of family.samples) {
    const rest = Object.entries(sample.labels).filter(([name]) => name !== own);
    const key = JSON.stringify(rest.sort(([a], [b]) => (a < b ? -1 : 1)));
    if (groups.has(key) && key !== last) throw new Error(`${family.name}: interleaved ${key}`);
    last = key;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return groups;
}

function checkFamily(family: ReadFamily, openMetrics: boolean): void {
  const { name, type, samples } = family;
  const fail: Fail = (why) => {
    throw new Error(`${name}: ${why}`);
  };
  if (type === '') fail('no type');
  if (samples.length === 0) fail('no samples');
  const series = samples.map((sample) =>
    JSON.stringify([sample.name, Object.entries(sample.labels).sort()]),
  );
  if (new Set(series).size !== series.length) fail('a series twice');
  const own = type === 'histogram' ? 'le' : type === 'summary' ? 'quantile' : '';
  for (const group of groupsOf(family, own).values()) {
    if (type === 'histogram') checkHistogram(group, openMetrics, fail);
    if (type === 'counter' && openMetrics) {
      const total = group.find((sample) => sample.name === `${name}_total`);
      if (!(total !== undefined && total.value >= 0)) fail('a counter that is not at least 0');
    }
    if (type === 'info' && group.some(({ value }) => value !== 1)) fail('an info that is not 1');
    if (type === 'summary') {
      const quantiles = group.filter(({ labels }) => 'quantile' in labels);
      if (quantiles.some(({ labels }) => !(Number(labels['quantile']) <= 1))) fail('a quantile');
    }
  }
}

function checkHistogram(group: readonly ReadSample[], openMetrics: boolean, fail: Fail): void {
  const buckets = group.filter((sample) => sample.name.endsWith('_bucket'));
  const bounds = buckets.map(({ labels }) => numberOf(labels['le'] ?? ''));
  const text = (bound: number) => buckets[bounds.indexOf(bound)]?.labels['le'] ?? '';
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) fail('no bucket for everything');
  for (const [i, { value }] of buckets.entries()) {
    if (!Number.isInteger(value) || value < 0) fail('a bucket whose count is none');
    if (i > 0 && !(bounds[i]! > bounds[i - 1]!)) fail('bounds that do not rise');
    if (i > 0 && value < buckets[i - 1]!.value) fail('counts that fall');
    if (openMetrics && !/[.e]|Inf/.test(text(bounds[i]!))) fail('a bound that is no float');
  }
  const sum = group.find((sample) => sample.name.endsWith('_sum'));
  const count = group.find((sample) => sample.name.endsWith('_count'));
  if (count !== undefined && count.value !== buckets.at(-1)!.value) fail('a count of its own');
  if (!openMetrics) {
    if (count === undefined) fail('no count');
    return;
  }
  if ((sum === undefined) !== (count === undefined))
    fail('a sum without a count, or a count alone');
  if (sum !== undefined && (!(sum.value >= 0) || bounds[0]! < 0)) fail('a sum that can fall');
}
