import { GRPC_CODES } from '../../deliver/grpc-outcome.ts';
import type { CollectorStats } from '../collector/collector.ts';
import type {
  ReceivedLogRecord,
  ReceivedRecords,
  ReceivedRequest,
  ReceivedSpan,
} from '../collector/received.ts';
import { painter } from './color.ts';
import { pickLogs, renderLogs } from './logs.ts';
import { renderMetrics } from './metrics.ts';
import { createSeriesHistory, type Series } from './series.ts';
import { counted, formatBytes, formatCount, formatRatio, visible } from './text.ts';
import { renderWaterfall } from './waterfall.ts';

/**
 * What `otlp-wasm collector` shows: a line per request and per log record, a table of metrics, a
 * waterfall of what is complete.
 */
export interface LiveView {
  request(request: ReceivedRequest, received: ReceivedRecords): void;
  /** To be called a few times a second: draws what has become complete or was held back. */
  tick(): void;
  /** Draws what is still to be drawn. */
  end(): void;
}

export interface LiveViewOptions {
  readonly write: (text: string) => void;
  /** Columns of the terminal, asked each time: it may be resized. */
  readonly width: () => number;
  readonly color: boolean;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/** Lines of requests between two ticks; more are summed up in one line. */
const LINES_PER_TICK = 5;

/** A trace with a root is complete when no span of it arrived for this long … */
const SETTLED_MS = 1_000;
/** … and one without is not waited for any longer than this. */
const ABANDONED_MS = 10_000;

/** Spans waiting for their trace to be complete; the longest waiting trace goes first. */
const MAX_WAITING_SPANS = 20_000;

/** Series of metrics that are followed. */
const MAX_SERIES = 2_000;

/** Lines of log records between two ticks; what else came is counted. */
const LOGS_PER_TICK = 12;
/** Log records that wait for a tick. */
const MAX_WAITING_LOGS = 2_000;

/** Metrics are drawn no more often than this, however often they are exported. */
const METRICS_MS = 5_000;

interface Waiting {
  readonly spans: ReceivedSpan[];
  hasRoot: boolean;
  changedAtMs: number;
}

export function createLiveView({ write, width, color, now }: LiveViewOptions): LiveView {
  const paint = painter(color);
  const waiting = new Map<string, Waiting>();
  let waitingSpans = 0;
  let lines = 0;
  let held: ReceivedRequest[] = [];
  let logs: ReceivedLogRecord[] = [];
  let otherLogs: ReadonlyMap<string, number> = new Map();
  const history = createSeriesHistory(MAX_SERIES);
  const metrics = new Map<string, Series>();
  let metricsAtMs = Number.NEGATIVE_INFINITY;

  function keep(spans: readonly ReceivedSpan[]): void {
    for (const span of spans) {
      const trace = waiting.get(span.traceId) ?? { spans: [], hasRoot: false, changedAtMs: 0 };
      trace.spans.push(span);
      trace.hasRoot ||= span.parentSpanId === '';
      trace.changedAtMs = now();
      waiting.set(span.traceId, trace);
    }
    waitingSpans += spans.length;
    while (waitingSpans > MAX_WAITING_SPANS && waiting.size > 1) {
      take(waiting.keys().next().value as string);
    }
  }

  function take(traceId: string): readonly ReceivedSpan[] {
    const { spans } = waiting.get(traceId)!;
    waiting.delete(traceId);
    waitingSpans -= spans.length;
    return spans;
  }

  /** Draws the most telling of the traces, and says how many there were besides. */
  function draw(traceIds: readonly string[]): void {
    if (traceIds.length === 0) return;
    const traces = traceIds
      .map(take)
      .sort((a, b) => errorsIn(b) - errorsIn(a) || b.length - a.length);
    write(`\n${renderWaterfall(traces[0]!, { width: width(), color, maxRows: 40 })}\n`);
    const others = traces.length - 1;
    if (others > 0) write(`${paint('dim', `… and ${counted(others, 'more complete trace')}`)}\n`);
    write('\n');
  }

  function keepLogs(records: readonly ReceivedLogRecord[]): void {
    for (const record of records) logs.push(record);
    if (logs.length <= MAX_WAITING_LOGS) return;
    const { shown, others } = pickLogs(logs, LOGS_PER_TICK, otherLogs);
    logs = [...shown];
    otherLogs = others;
  }

  function drawLogs(): void {
    if (logs.length === 0) return;
    const page = pickLogs(logs, LOGS_PER_TICK, otherLogs);
    write(`${renderLogs(page, { width: width(), color })}\n`);
    logs = [];
    otherLogs = new Map();
  }

  function drawMetrics(): void {
    if (metrics.size === 0) return;
    write(`\n${renderMetrics([...metrics.values()], { width: width(), color })}\n\n`);
    metrics.clear();
    metricsAtMs = now();
  }

  function release(): void {
    if (held.length > 0) write(`${summaryLine(held, paint)}\n`);
    held = [];
    lines = 0;
  }

  return {
    request(request, received) {
      if (lines < LINES_PER_TICK) write(`${requestLine(request, paint)}\n`);
      else held.push(request);
      lines++;
      keep(received.spans);
      keepLogs(received.logRecords);
      for (const [key, series] of history.take(received.metrics)) {
        // Bounded as what is remembered is.
        if (metrics.size < MAX_SERIES || metrics.has(key)) metrics.set(key, series);
      }
    },
    tick() {
      release();
      const atMs = now();
      drawLogs();
      if (atMs - metricsAtMs >= METRICS_MS) drawMetrics();
      draw(
        [...waiting]
          .filter(([, trace]) => {
            return atMs - trace.changedAtMs >= (trace.hasRoot ? SETTLED_MS : ABANDONED_MS);
          })
          .map(([traceId]) => traceId),
      );
    },
    end() {
      release();
      drawLogs();
      drawMetrics();
      draw([...waiting.keys()]);
    },
  };
}

function errorsIn(spans: readonly ReceivedSpan[]): number {
  return spans.some((span) => span.status.code === 2) ? 1 : 0;
}

function requestLine(request: ReceivedRequest, paint: ReturnType<typeof painter>): string {
  const { status, grpcStatus, error, fault } = request;
  const answer = grpcStatus === undefined ? String(status) : `gRPC ${GRPC_CODES[grpcStatus]}`;
  const time = new Date(request.receivedAtMs).toTimeString().slice(0, 8);
  const parts = [paint('dim', time), request.signal ?? visible(request.path)];
  if (status >= 200 && status < 300) {
    parts.push(paint('green', answer), records(request), sizes([request]));
  } else {
    parts.push(paint('red', status === 0 ? 'no answer' : answer));
    if (error !== undefined) parts.push(visible(error));
  }
  if (fault !== undefined) parts.push(paint('yellow', `fault: ${fault}`));
  return parts.filter((part) => part !== '').join('  ');
}

function summaryLine(
  requests: readonly ReceivedRequest[],
  paint: ReturnType<typeof painter>,
): string {
  const failed = requests.filter(({ status }) => status < 200 || status >= 300).length;
  const sum = (of: 'spans' | 'logRecords' | 'dataPoints') =>
    requests.reduce((total, request) => total + request[of], 0);
  const parts = [
    paint('dim', `+ ${counted(requests.length, 'more request')}`),
    records({ spans: sum('spans'), logRecords: sum('logRecords'), dataPoints: sum('dataPoints') }),
    sizes(requests),
  ];
  if (failed > 0) parts.push(paint('red', `${formatCount(failed)} failed`));
  return parts.filter((part) => part !== '').join('  ');
}

function records(counts: { spans: number; logRecords: number; dataPoints: number }): string {
  const { spans, logRecords, dataPoints } = counts;
  const parts: string[] = [];
  if (spans > 0) parts.push(counted(spans, 'span'));
  if (logRecords > 0) parts.push(counted(logRecords, 'log record'));
  if (dataPoints > 0) parts.push(counted(dataPoints, 'data point'));
  return parts.join(', ');
}

function sizes(requests: readonly { wireBytes: number; rawBytes: number }[]): string {
  const wire = requests.reduce((sum, { wireBytes }) => sum + wireBytes, 0);
  const raw = requests.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
  if (raw === wire) return formatBytes(wire);
  return `${formatBytes(raw)} → ${formatBytes(wire)}, ${formatRatio(raw, wire)}`;
}

/** One line on all that was received. */
export function totalsLine(stats: CollectorStats): string {
  const parts = [counted(stats.requests, 'request')];
  const received = records(stats);
  if (received !== '') parts.push(received, sizes([stats]));
  const failures = Object.entries(stats.errors).map(
    ([status, n]) => `${formatCount(n)} × ${status}`,
  );
  if (stats.unanswered > 0) failures.push(`${formatCount(stats.unanswered)} unanswered`);
  if (failures.length > 0) parts.push(`failed: ${failures.join(', ')}`);
  return parts.join(' · ');
}
