// The cases of the test harness of W3C Trace Context (levels 1 and 2, strictness 2), and what it
// leaves out: a caller's headers go in, and what a service sends to whom it calls comes out.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Sampler,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TraceContextPropagator } from '../../../src/api/propagation/trace-context.ts';
import { ROOT } from '../../support/bundle.ts';
import { started } from '../../support/telemetry.ts';

type Field = readonly [name: string, value: string];

/** What the service sent with one call: each field's values. */
interface Sent {
  readonly traceparent: readonly string[];
  readonly tracestate: readonly string[];
}

/** A service that was asked with these headers to call so many others. */
type Ask = (headers: readonly Field[], calls?: number) => Promise<Sent[]>;

const TRACE = '12345678901234567890123456789012';
const PARENT = '1234567890123456';

function traceparent(value: string): Field {
  return ['traceparent', value];
}

function tracestate(...values: string[]): Field[] {
  return values.map((value) => ['tracestate', value]);
}

interface Case {
  readonly title: string;
  readonly headers: readonly Field[];
  readonly trace: 'continued' | 'restarted';
  /** What is sent on; nothing when undefined. */
  readonly state?: string | undefined;
}

function continued(title: string, value: string): Case {
  return { title, headers: [traceparent(value)], trace: 'continued' };
}

function restarted(title: string, value: string): Case {
  return { title, headers: [traceparent(value)], trace: 'restarted' };
}

/** Below a valid traceparent: `sent` is what becomes of the tracestate. */
function stated(title: string, values: string[], state?: string): Case {
  const headers = [traceparent(`00-${TRACE}-${PARENT}-00`), ...tracestate(...values)];
  return { title, headers, trace: 'continued', state };
}

/** Inclusive. */
function characters(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join('');
}

const LEGAL_KEY = `${characters(0x61, 0x7a)}0123456789_-*/`;
const LEGAL_KEY_OF_TENANT = `${LEGAL_KEY}@a-z0-9_-*/`;
const LEGAL_VALUE = characters(0x20, 0x2b) + characters(0x2d, 0x3c) + characters(0x3e, 0x7e);

/** bar01=01 … */
function members(from: number, to: number): string {
  const numbers = Array.from({ length: to - from + 1 }, (_, i) =>
    String(from + i).padStart(2, '0'),
  );
  return numbers.map((number) => `bar${number}=${number}`).join(',');
}

const longKeys = [
  'z'.repeat(256),
  `${'t'.repeat(241)}@${'v'.repeat(14)}`,
  `${'t'.repeat(242)}@v`,
  `t@${'v'.repeat(15)}`,
];

const groups: Record<string, Case[]> = {
  'traceparent: presence and name': [
    { title: 'neither header', headers: [], trace: 'restarted' },
    continued('traceparent alone', `00-${TRACE}-${PARENT}-01`),
    {
      title: 'traceparent twice, with different ids',
      headers: [
        traceparent(`00-12345678901234567890123456789011-${PARENT}-01`),
        traceparent(`00-${TRACE}-${PARENT}-01`),
      ],
      trace: 'restarted',
    },
    {
      title: 'traceparent twice, the same',
      headers: [traceparent(`00-${TRACE}-${PARENT}-01`), traceparent(`00-${TRACE}-${PARENT}-01`)],
      trace: 'restarted',
    },
    {
      title: 'traceparent twice, of a future version that goes on',
      headers: [
        traceparent(`cc-${TRACE}-${PARENT}-01-more`),
        traceparent(`cc-${TRACE}-${PARENT}-01-more`),
      ],
      trace: 'restarted',
    },
    ...['trace-parent', 'trace.parent'].map(
      (name): Case => ({
        title: `a header of another name: ${name}`,
        headers: [[name, `00-${TRACE}-${PARENT}-01`]],
        trace: 'restarted',
      }),
    ),
    ...['TraceParent', 'TrAcEpArEnT', 'TRACEPARENT'].map(
      (name): Case => ({
        title: `its name in any case: ${name}`,
        headers: [[name, `00-${TRACE}-${PARENT}-01`]],
        trace: 'continued',
      }),
    ),
  ],

  'traceparent: version': [
    restarted('00 with a character after the flags', `00-${TRACE}-${PARENT}-01.`),
    restarted(
      '00 with a field after the flags',
      `00-${TRACE}-${PARENT}-01-what-the-future-will-be-like`,
    ),
    continued('cc', `cc-${TRACE}-${PARENT}-01`),
    continued(
      'cc with a field after the flags',
      `cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`,
    ),
    restarted(
      'cc with no dash after the flags',
      `cc-${TRACE}-${PARENT}-01.what-the-future-will-be-like`,
    ),
    continued('01', `01-${TRACE}-${PARENT}-01`),
    continued('fe', `fe-${TRACE}-${PARENT}-01`),
    restarted('ff', `ff-${TRACE}-${PARENT}-01`),
    restarted('no digit in front', `.0-${TRACE}-${PARENT}-01`),
    restarted('no digit behind', `0.-${TRACE}-${PARENT}-01`),
    restarted('in upper case', `CC-${TRACE}-${PARENT}-01`),
    restarted('three digits', `000-${TRACE}-${PARENT}-01`),
    restarted('four digits', `0000-${TRACE}-${PARENT}-01`),
    restarted('one digit', `0-${TRACE}-${PARENT}-01`),
  ],

  'traceparent: trace id': [
    restarted('all zero', `00-${'0'.repeat(32)}-${PARENT}-01`),
    restarted('no digit in front', `00-.${TRACE.slice(1)}-${PARENT}-01`),
    restarted('no digit at the end', `00-${TRACE.slice(0, -1)}.-${PARENT}-01`),
    restarted('in upper case', `00-${TRACE.slice(0, -2)}AB-${PARENT}-01`),
    restarted('33 digits', `00-${TRACE}3-${PARENT}-01`),
    restarted('31 digits', `00-${TRACE.slice(0, -1)}-${PARENT}-01`),
  ],

  'traceparent: parent id': [
    restarted('all zero', `00-${TRACE}-${'0'.repeat(16)}-01`),
    restarted('no digit in front', `00-${TRACE}-.${PARENT.slice(1)}-01`),
    restarted('no digit at the end', `00-${TRACE}-${PARENT.slice(0, -1)}.-01`),
    restarted('in upper case', `00-${TRACE}-${PARENT.slice(0, -2)}AB-01`),
    restarted('17 digits', `00-${TRACE}-${PARENT}7-01`),
    restarted('15 digits', `00-${TRACE}-${PARENT.slice(0, -1)}-01`),
  ],

  'traceparent: flags': [
    restarted('no digit in front', `00-${TRACE}-${PARENT}-.0`),
    restarted('no digit behind', `00-${TRACE}-${PARENT}-0.`),
    restarted('in upper case', `00-${TRACE}-${PARENT}-0A`),
    restarted('three digits', `00-${TRACE}-${PARENT}-001`),
    restarted('one digit', `00-${TRACE}-${PARENT}-1`),
  ],

  'traceparent: optional white space around it': [
    continued('a space in front', ` 00-${TRACE}-${PARENT}-01`),
    continued('a tab in front', `\t00-${TRACE}-${PARENT}-01`),
    continued('a space behind', `00-${TRACE}-${PARENT}-01 `),
    continued('a tab behind', `00-${TRACE}-${PARENT}-01\t`),
    continued('both on both sides', `\t 00-${TRACE}-${PARENT}-01 \t`),
  ],

  'tracestate: presence and name': [
    { title: 'one member without traceparent', headers: tracestate('foo=1'), trace: 'restarted' },
    {
      title: 'two members without traceparent',
      headers: tracestate('foo=1,bar=2'),
      trace: 'restarted',
    },
    {
      title: 'beside an invalid traceparent',
      headers: [traceparent(`00-${TRACE}-${PARENT}-1`), ...tracestate('foo=1,bar=2')],
      trace: 'restarted',
    },
    stated('beside a valid traceparent', ['foo=1,bar=2'], 'foo=1,bar=2'),
    {
      title: 'beside a traceparent of a future version',
      headers: [traceparent(`cc-${TRACE}-${PARENT}-01-more`), ...tracestate('foo=1,bar=2')],
      trace: 'continued',
      state: 'foo=1,bar=2',
    },
    ...['trace-state', 'trace.state'].map(
      (name): Case => ({
        title: `a header of another name: ${name}`,
        headers: [traceparent(`00-${TRACE}-${PARENT}-00`), [name, 'foo=1']],
        trace: 'continued',
      }),
    ),
    ...['TraceState', 'TrAcEsTaTe', 'TRACESTATE'].map(
      (name): Case => ({
        title: `its name in any case: ${name}`,
        headers: [traceparent(`00-${TRACE}-${PARENT}-00`), [name, 'foo=1']],
        trace: 'continued',
        state: 'foo=1',
      }),
    ),
  ],

  'tracestate: several headers and empty members': [
    stated('an empty header', ['']),
    stated('an empty header after another', ['foo=1', ''], 'foo=1'),
    stated('an empty header before another', ['', 'foo=1'], 'foo=1'),
    stated('empty members', ['foo=1,,bar=2, ,'], 'foo=1,bar=2'),
    stated('nothing but empty members', [',, ,']),
    stated(
      'three headers, combined in their order',
      ['foo=1,bar=2', 'rojo=1,congo=2', 'baz=3'],
      'foo=1,bar=2,rojo=1,congo=2,baz=3',
    ),
    stated('nothing is sorted', ['z=1,a=2', 'm=3'], 'z=1,a=2,m=3'),
  ],

  // The specification lets the list be passed on with or without the second member.
  'tracestate: a key that occurs twice keeps its first, most recent, value': [
    stated('with the same value', ['foo=1,foo=1'], 'foo=1'),
    stated('with another value', ['foo=1,foo=2'], 'foo=1'),
    stated('with the same value in another header', ['foo=1', 'foo=1'], 'foo=1'),
    stated('with another value in another header', ['foo=1', 'foo=2'], 'foo=1'),
  ],

  'tracestate: optional white space around members': [
    stated('spaces outside', ['foo=1 \t , \t bar=2, \t baz=3'], 'foo=1,bar=2,baz=3'),
    stated('tabs outside', ['foo=1\t \t,\t \tbar=2,\t \tbaz=3'], 'foo=1,bar=2,baz=3'),
    stated('a space in front', [' foo=1'], 'foo=1'),
    stated('a tab in front', ['\tfoo=1'], 'foo=1'),
    stated('a space behind', ['foo=1 '], 'foo=1'),
    stated('a tab behind', ['foo=1\t'], 'foo=1'),
    stated('both on both sides', ['\t foo=1 \t'], 'foo=1'),
  ],

  'tracestate: keys': [
    stated('all legal characters', [`${LEGAL_KEY}=${LEGAL_VALUE}`], `${LEGAL_KEY}=${LEGAL_VALUE}`),
    stated(
      'all legal characters, of a tenant',
      [`${LEGAL_KEY_OF_TENANT}=${LEGAL_VALUE}`],
      `${LEGAL_KEY_OF_TENANT}=${LEGAL_VALUE}`,
    ),
    stated('that begins with a digit', ['0foo=1,1t@2s=3'], '0foo=1,1t@2s=3'),
    stated('followed by a space', ['foo =1']),
    stated('in upper case', ['FOO=1']),
    stated('with a dot', ['foo.bar=1']),
    stated('that begins with an underscore', ['_foo=1']),
    stated('missing', ['=1']),
    stated('with nothing after the at sign', ['foo@=1,bar=2'], 'foo@=1,bar=2'),
    stated('with nothing before the at sign', ['@foo=1,bar=2']),
    stated('with two at signs together', ['foo@@bar=1,bar=2'], 'foo@@bar=1,bar=2'),
    stated('with two at signs', ['foo@bar@baz=1,bar=2'], 'foo@bar@baz=1,bar=2'),
    ...longKeys.map((key) =>
      stated(`of ${key.length} characters`, ['foo=1', `${key}=1`], `foo=1,${key}=1`),
    ),
    stated('of 257 characters', ['foo=1', `${'z'.repeat(257)}=1`]),
    stated('of 257 characters, of a tenant', ['foo=1', `t@${'v'.repeat(255)}=1`]),
  ],

  'tracestate: values': [
    stated('with an equals sign', ['foo=bar=baz']),
    stated('that is empty', ['foo=,bar=3']),
    stated('missing', ['foo,bar=3']),
    stated('with spaces within', ['foo= a b,bar=3'], 'foo= a b,bar=3'),
    stated('of 256 characters', [`foo=${'v'.repeat(256)}`], `foo=${'v'.repeat(256)}`),
    stated('of 257 characters', [`foo=${'v'.repeat(257)}`]),
  ],

  'tracestate: length of the list': [
    stated(
      '32 members',
      [members(1, 10), members(11, 20), members(21, 30), members(31, 32)],
      members(1, 32),
    ),
    stated('33 members', [members(1, 10), members(11, 20), members(21, 30), members(31, 33)]),
    stated(
      'more than 512 characters',
      [`foo=${'v'.repeat(256)}`, `bar=${'v'.repeat(256)}`],
      `foo=${'v'.repeat(256)},bar=${'v'.repeat(256)}`,
    ),
    stated(
      '32 members of 200 characters',
      [members(1, 32).replaceAll('=', `=${'v'.repeat(190)}`)],
      members(1, 32).replaceAll('=', `=${'v'.repeat(190)}`),
    ),
  ],
};

/** What was sent with a call, taken apart; there must be one traceparent, of version 00. */
function partsOf({ traceparent, tracestate }: Sent) {
  expect(traceparent).toHaveLength(1);
  expect(traceparent[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
  const [, traceId, parentId, flags] = traceparent[0]!.split('-') as [
    string,
    string,
    string,
    string,
  ];
  expect(traceId).not.toBe('0'.repeat(32));
  expect(parentId).not.toBe('0'.repeat(16));
  return { traceId, parentId, flags, tracestate };
}

function itConforms(ask: Ask): void {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      it.each(cases)('$title: the trace is $trace', async ({ headers, trace, state }) => {
        const [sent] = await ask(headers);
        const { traceId, parentId, tracestate } = partsOf(sent!);
        expect(tracestate).toEqual(state === undefined ? [] : [state]);
        if (trace === 'continued') {
          expect(traceId).toBe(TRACE);
          expect(parentId).not.toBe(PARENT);
        } else {
          // Nothing of an invalid header may come through, cut to length or not.
          const given = headers.map(([, value]) => value).join();
          expect(given).not.toContain(traceId);
          expect(traceId).not.toBe(TRACE);
        }
      });
    });
  }

  describe('several calls', () => {
    it('with a valid traceparent: one trace, a parent id for each', async () => {
      const all = await ask([traceparent(`00-${TRACE}-${PARENT}-01`)], 3);
      const parts = all.map(partsOf);
      expect(parts.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
      expect(new Set(parts.map(({ parentId }) => parentId)).size).toBe(3);
    });

    it('without traceparent: a parent id for each', async () => {
      const parts = (await ask([], 3)).map(partsOf);
      expect(new Set(parts.map(({ traceId }) => traceId)).size).toBe(1);
      expect(new Set(parts.map(({ parentId }) => parentId)).size).toBe(3);
    });

    it('with an invalid traceparent: a new trace, a parent id for each', async () => {
      const parts = (await ask([traceparent(`00-${'0'.repeat(32)}-${PARENT}-01`)], 3)).map(partsOf);
      expect(new Set(parts.map(({ traceId }) => traceId)).size).toBe(1);
      expect(new Set(parts.map(({ parentId }) => parentId)).size).toBe(3);
    });
  });

  describe('Level 2: flags', () => {
    it.each([
      ['the random flag is passed on', '02', '02'],
      ['the random flag is passed on beside the sampled one', '03', '03'],
      ['the random flag is not added to a trace of somebody else', '01', '01'],
      ['no flag is added', '00', '00'],
      ['flags that have no meaning yet are not passed on', 'fc', '00'],
      ['flags that have no meaning yet take no other with them', 'ff', '03'],
    ])('%s: %s', async (_, given, passedOn) => {
      const [sent] = await ask([traceparent(`00-${TRACE}-${PARENT}-${given}`)]);
      const { traceId, flags } = partsOf(sent!);
      expect(traceId).toBe(TRACE);
      expect(flags).toBe(passedOn);
    });

    it.each<[string, Field[]]>([
      ['without a caller', []],
      ['below an invalid one', [traceparent(`00-${TRACE}-${PARENT}-1`)]],
    ])('a trace that begins here says that its id is random: %s', async (_, headers) => {
      const parts = (await ask(headers, 2)).map(partsOf);
      expect(parts.map(({ flags }) => flags)).toEqual(['03', '03']);
    });
  });
}

describe.each([
  ['as an array', (values: string[]) => values],
  ['joined, as Node and fetch do', (values: string[]) => values.join(', ')],
])('from extract to inject, with several headers of a name %s', (_, carried) => {
  const propagator = new TraceContextPropagator();
  const { tracer } = started();

  itConforms(async (headers, calls = 1) => {
    const fields: Record<string, string[]> = {};
    for (const [name, value] of headers) (fields[name.toLowerCase()] ??= []).push(value);
    const carrier = Object.fromEntries(
      Object.entries(fields).map(([name, values]) => [name, carried(values)]),
    );
    const caller = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    const server = tracer.startSpan('POST', { kind: SpanKind.SERVER }, caller);
    return Array.from({ length: calls }, () => {
      const client = tracer.startSpan('POST', {}, trace.setSpan(caller, server));
      const out: Record<string, string> = {};
      propagator.inject(trace.setSpan(caller, client), out, defaultTextMapSetter);
      const { traceparent, tracestate } = out;
      return {
        traceparent: traceparent === undefined ? [] : [traceparent],
        tracestate: tracestate === undefined ? [] : [tracestate],
      };
    });
  });
});

it('compliance matrix: Support W3C Trace Context Level 2 randomness, sampled or not', () => {
  const propagator = new TraceContextPropagator();
  const notSampled: Sampler = { shouldSample: () => ({ decision: 0 }) };
  const { tracer } = started();
  const { tracer: tracerOfNone } = started({ sampler: notSampled });
  const sent = (span: Span) => {
    const out: Record<string, string> = {};
    propagator.inject(trace.setSpan(ROOT_CONTEXT, span), out, defaultTextMapSetter);
    return out.traceparent?.slice(-2);
  };
  expect(sent(tracer.startSpan('root'))).toBe('03');
  expect(sent(tracerOfNone.startSpan('root'))).toBe('02');

  // A child has the flag as its trace has it.
  for (const [given, sampled, unsampled] of [
    ['00', '00', '00'],
    ['01', '01', '00'],
    ['02', '02', '02'],
    ['03', '03', '02'],
  ]) {
    const carrier = { traceparent: `00-${TRACE}-${PARENT}-${given}` };
    const caller = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    expect(sent(tracer.startSpan('child', {}, caller))).toBe(sampled);
    expect(sent(tracerOfNone.startSpan('child', {}, caller))).toBe(unsampled);
  }
  const local = trace.setSpan(ROOT_CONTEXT, tracer.startSpan('root'));
  expect(sent(tracer.startSpan('child', {}, local))).toBe('03');
});

describe('examples/w3c-service over HTTP', () => {
  let called: Sent[] = [];
  let callee: Server;
  let service: ChildProcess;
  let url: string;
  let calleeUrl: string;

  beforeAll(async () => {
    callee = createServer((request, response) => {
      if (request.url === '/called') {
        const { traceparent = [], tracestate = [] } = request.headersDistinct;
        called.push({ traceparent, tracestate });
      }
      // Whatever else comes are the service's own spans.
      request.resume().on('end', () => response.end());
    });
    callee.listen(0, '127.0.0.1');
    await once(callee, 'listening');
    calleeUrl = `http://127.0.0.1:${(callee.address() as AddressInfo).port}`;
    service = spawn(process.execPath, [join(ROOT, 'examples/w3c-service/service.mjs')], {
      env: { PATH: process.env.PATH, PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: calleeUrl },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    [url] = await once(createInterface(service.stdout!), 'line');
  });

  afterAll(async () => {
    const ended = once(service, 'exit');
    service.kill();
    await ended;
    callee.closeAllConnections();
    callee.close();
  });

  itConforms(async (headers, calls = 1) => {
    called = [];
    const body = JSON.stringify(Array(calls).fill({ url: `${calleeUrl}/called`, arguments: [] }));
    const { host, hostname, port, pathname } = new URL(url);
    // As a flat list nothing is added to the headers or joined.
    const fields = [
      ['host', host],
      ['content-type', 'application/json'],
      ['content-length', String(body.length)],
      ...headers,
    ].flat();
    const asking = request({ hostname, port, path: pathname, method: 'POST', headers: fields });
    asking.end(body);
    const [answer] = await once(asking, 'response');
    await once(answer.resume(), 'end');
    expect(answer.statusCode).toBe(200);
    expect(called).toHaveLength(calls);
    return called;
  });
});
