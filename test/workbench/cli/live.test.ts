import { describe, expect, it } from 'vitest';
import { createLiveView } from '../../../src/workbench/cli/live.ts';
import type {
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedRequest,
  ReceivedSpan,
} from '../../../src/workbench/collector/index.ts';
import { originOf, receivedLog } from './received-log.ts';
import { receivedSpan } from './received-span.ts';

function startView() {
  const clock = { ms: 0 };
  const written: string[] = [];
  const view = createLiveView({
    write: (text) => void written.push(text),
    ...{ width: () => 80, color: false, now: () => clock.ms },
  });
  const take = () => written.splice(0).join('');
  return { view, clock, take };
}

const request = (fields: Partial<ReceivedRequest> = {}): ReceivedRequest => ({
  ...{ protocol: 'http', path: '/v1/traces', signal: 'traces', receivedAtMs: 0, status: 200 },
  contentType: '',
  ...{ contentEncoding: 'gzip', userAgent: '', headers: {}, wireBytes: 1024, rawBytes: 8192 },
  ...{ spans: 512, logRecords: 0, dataPoints: 0, bodySha256: '' },
  ...fields,
});

const NOTHING = { spans: [], logRecords: [], metrics: [] };
const traced = (...spans: readonly ReceivedSpan[]) => ({ ...NOTHING, spans });

const inTrace = (traceId: string, span: ReceivedSpan): ReceivedSpan => ({ ...span, traceId });

describe('requests', () => {
  it('get a line each: what came, how large, how much smaller', () => {
    const { view, take } = startView();
    view.request(request(), NOTHING);
    expect(take()).toMatch(
      /^\d\d:\d\d:\d\d {2}traces {2}200 {2}512 spans {2}8\.00 KiB → 1\.00 KiB, 8\.0×\n$/,
    );
    view.request(
      request({ spans: 0, rawBytes: 0, wireBytes: 9, status: 400, error: 'not\u001b protobuf' }),
      NOTHING,
    );
    expect(take()).toMatch(/traces {2}400 {2}not␛ protobuf\n$/);
    view.request(request({ status: 0, fault: 'hang' }), NOTHING);
    expect(take()).toMatch(/no answer {2}fault: hang\n$/);
  });

  it('are summed up when there are many', () => {
    const { view, take } = startView();
    for (let i = 0; i < 100; i++) view.request(request(), NOTHING);
    view.request(request({ status: 503 }), NOTHING);
    expect(take().match(/\n/g)).toHaveLength(5);
    view.tick();
    expect(take()).toBe('+ 96 more requests  49 152 spans  768 KiB → 96.0 KiB, 8.0×  1 failed\n');
    view.request(request(), NOTHING);
    expect(take()).toContain('512 spans');
  });
});

describe('traces', () => {
  it('are drawn once their root is there and no more spans come', () => {
    const { view, clock, take } = startView();
    view.request(request(), traced(receivedSpan('b', [1, 2], { parent: 'a' })));
    take();
    clock.ms = 5_000;
    view.tick();
    expect(take()).toBe('');
    view.request(request(), traced(receivedSpan('a', [0, 3])));
    take();
    clock.ms += 900;
    view.tick();
    expect(take()).toBe('');
    clock.ms += 100;
    view.tick();
    expect(take()).toMatch(/a {2}3\.00 ms · 2 spans/);
    clock.ms += 60_000;
    view.tick();
    expect(take()).toBe('');
  });

  it('without a root are drawn after a longer wait', () => {
    const { view, clock, take } = startView();
    view.request(request(), traced(receivedSpan('b', [1, 2], { parent: 'a' })));
    take();
    clock.ms = 10_000;
    view.tick();
    expect(take()).toContain('⋯ b');
  });

  it('are not all drawn: the one with an error, else the largest', () => {
    const { view, clock, take } = startView();
    view.request(
      request(),
      traced(
        ...[inTrace('1', receivedSpan('large', [0, 1])), inTrace('1', receivedSpan('x', [0, 1]))],
        ...[inTrace('2', receivedSpan('failed', [0, 1], { error: true }))],
        ...[inTrace('3', receivedSpan('small', [0, 1]))],
      ),
    );
    take();
    clock.ms = 1_000;
    view.tick();
    const drawn = take();
    expect(drawn).toContain('✖ failed');
    expect(drawn).not.toContain('small');
    expect(drawn).toContain('… and 2 more complete traces');
  });

  it('that still wait are drawn at the end', () => {
    const { view, take } = startView();
    view.request(request(), traced(receivedSpan('a', [0, 3])));
    view.end();
    expect(take()).toMatch(/a {2}3\.00 ms · 1 span/);
  });

  it('do not wait without bound', () => {
    const { view, take } = startView();
    const spans = Array.from({ length: 30_000 }, (_, i) =>
      inTrace(`${i}`, receivedSpan('a', [0, 1])),
    );
    view.request(request(), traced(...spans));
    view.end();
    expect(take()).toContain('… and 19 999 more complete traces');
  });
});

describe('log records', () => {
  const logs = (...logRecords: readonly ReceivedLogRecord[]) => ({ ...NOTHING, logRecords });
  const ofLogs = (logRecords: number) => request({ spans: 0, logRecords, signal: 'logs' });

  it('are drawn with the next tick, once', () => {
    const { view, take } = startView();
    view.request(ofLogs(2), logs(receivedLog('one'), receivedLog('two', { severityNumber: 17 })));
    expect(take()).toMatch(/ {2}logs {2}200 {2}2 log records {2}/);
    view.tick();
    expect(take()).toMatch(/^[\d:.]+ {2}INFO {3}one\n[\d:.]+ {2}ERROR {2}two\n$/);
    view.tick();
    view.end();
    expect(take()).toBe('');
  });

  it('are drawn at the end', () => {
    const { view, take } = startView();
    view.request(ofLogs(1), logs(receivedLog('last')));
    take();
    view.end();
    expect(take()).toMatch(/INFO {3}last\n$/);
  });

  it('are counted where they are many, and do not wait without bound', () => {
    const { view, take } = startView();
    for (let i = 0; i < 30; i++) {
      const records = Array.from({ length: 1000 }, (_, n) =>
        receivedLog(`${i} ${n}`, { severityNumber: n === 500 && i % 10 === 0 ? 17 : 9 }),
      );
      view.request(ofLogs(1000), logs(...records));
    }
    take();
    view.tick();
    const drawn = take();
    for (const i of [0, 10, 20]) expect(drawn).toContain(`ERROR  ${i} 500\n`);
    expect(drawn).toContain('INFO   29 999\n');
    expect(drawn).toContain('\n… 29 988 more log records\n');
  });
});

describe('metrics', () => {
  const orders = (value: number): ReceivedMetric => ({
    ...{ name: 'app.orders', description: '', unit: '{order}', metadata: {}, ...originOf('shop') },
    sum: {
      ...{ isMonotonic: true, aggregationTemporality: 2 },
      dataPoints: [
        {
          ...{ attributes: {}, startTimeUnixNano: 1n, timeUnixNano: 2n, flags: 0, exemplars: [] },
          asInt: BigInt(value),
        },
      ],
    },
  });
  const metrics = (value: number) => ({ ...NOTHING, metrics: [orders(value)] });
  const ofMetrics = request({ spans: 0, dataPoints: 1, signal: 'metrics' });

  it('are drawn with the next tick, and not again too soon', () => {
    const { view, clock, take } = startView();
    view.request(ofMetrics, metrics(3));
    expect(take()).toMatch(/ {2}metrics {2}200 {2}1 data point {2}/);
    view.tick();
    expect(take()).toMatch(
      /^\nmetrics of shop {2}1 metric · 1 series\n {2}app\.orders {2}counter +3 order\n\n$/,
    );
    view.request(ofMetrics, metrics(5));
    view.request(ofMetrics, metrics(9));
    view.tick();
    take();
    clock.ms = 4_000;
    view.tick();
    expect(take()).toBe('');
    clock.ms = 5_000;
    view.tick();
    expect(take()).toMatch(/ {2}app\.orders {2}counter +▁█ +9 order \(\+4\)\n\n$/);
    clock.ms = 60_000;
    view.tick();
    expect(take()).toBe('');
  });

  it('that still wait are drawn at the end', () => {
    const { view, take } = startView();
    view.request(ofMetrics, metrics(3));
    view.tick();
    view.request(ofMetrics, metrics(4));
    take();
    view.end();
    expect(take()).toContain('4 order (+1)');
  });
});
