import { describe, expect, it } from 'vitest';
import { createLiveView } from '../../../src/workbench/cli/live.ts';
import type { ReceivedRequest, ReceivedSpan } from '../../../src/workbench/collector/index.ts';
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

const inTrace = (traceId: string, span: ReceivedSpan): ReceivedSpan => ({ ...span, traceId });

describe('requests', () => {
  it('get a line each: what came, how large, how much smaller', () => {
    const { view, take } = startView();
    view.request(request(), []);
    expect(take()).toMatch(
      /^\d\d:\d\d:\d\d {2}traces {2}200 {2}512 spans {2}8\.00 KiB → 1\.00 KiB, 8\.0×\n$/,
    );
    view.request(
      request({ spans: 0, rawBytes: 0, wireBytes: 9, status: 400, error: 'not\u001b protobuf' }),
      [],
    );
    expect(take()).toMatch(/traces {2}400 {2}not␛ protobuf\n$/);
    view.request(request({ status: 0, fault: 'hang' }), []);
    expect(take()).toMatch(/no answer {2}fault: hang\n$/);
  });

  it('are summed up when there are many', () => {
    const { view, take } = startView();
    for (let i = 0; i < 100; i++) view.request(request(), []);
    view.request(request({ status: 503 }), []);
    expect(take().match(/\n/g)).toHaveLength(5);
    view.tick();
    expect(take()).toBe('+ 96 more requests  49 152 spans  768 KiB → 96.0 KiB, 8.0×  1 failed\n');
    view.request(request(), []);
    expect(take()).toContain('512 spans');
  });
});

describe('traces', () => {
  it('are drawn once their root is there and no more spans come', () => {
    const { view, clock, take } = startView();
    view.request(request(), [receivedSpan('b', [1, 2], { parent: 'a' })]);
    take();
    clock.ms = 5_000;
    view.tick();
    expect(take()).toBe('');
    view.request(request(), [receivedSpan('a', [0, 3])]);
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
    view.request(request(), [receivedSpan('b', [1, 2], { parent: 'a' })]);
    take();
    clock.ms = 10_000;
    view.tick();
    expect(take()).toContain('⋯ b');
  });

  it('are not all drawn: the one with an error, else the largest', () => {
    const { view, clock, take } = startView();
    view.request(request(), [
      ...[inTrace('1', receivedSpan('large', [0, 1])), inTrace('1', receivedSpan('x', [0, 1]))],
      ...[inTrace('2', receivedSpan('failed', [0, 1], { error: true }))],
      ...[inTrace('3', receivedSpan('small', [0, 1]))],
    ]);
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
    view.request(request(), [receivedSpan('a', [0, 3])]);
    view.end();
    expect(take()).toMatch(/a {2}3\.00 ms · 1 span/);
  });

  it('do not wait without bound', () => {
    const { view, take } = startView();
    const spans = Array.from({ length: 30_000 }, (_, i) =>
      inTrace(`${i}`, receivedSpan('a', [0, 1])),
    );
    view.request(request(), spans);
    view.end();
    expect(take()).toContain('… and 19 999 more complete traces');
  });
});
