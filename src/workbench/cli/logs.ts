/**
 * Log records in a terminal, a line each:
 *
 *     12:00:01.250  INFO   shop   order 17 accepted in 12 ms      order.accepted  0af76519
 *     12:00:01.381  ERROR  stock  Error: no money  ⏎ 11 lines                     0af76519
 *     … 488 more log records, 3 ERROR
 */

import type { ReceivedLogRecord, ReceivedValue } from '../collector/received.ts';
import { type Ink, type Paint, painter } from './color.ts';
import { counted, fit, formatCount, textWidth, visible } from './text.ts';
import { valueText } from './value.ts';

export interface LogsOptions {
  /** Columns to draw in. Default 100. Under 64 there is no service, under 48 no event and trace. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
}

/** Names of severities by their number's group of four (logs/v1, SeverityNumber). */
const SEVERITIES: readonly (readonly [string, Ink | undefined])[] = [
  ['TRACE', 'dim'],
  ['DEBUG', 'blue'],
  ['INFO', 'green'],
  ['WARN', 'yellow'],
  ['ERROR', 'red'],
  ['FATAL', 'magenta'],
];

const WARN = 13;

const SEVERITY_WIDTH = 5;
const TIME_WIDTH = 12;
const TRACE_WIDTH = 8;

/** Log records to be drawn, and how many were left out, by severity. */
export interface LogPage {
  readonly shown: readonly ReceivedLogRecord[];
  readonly others: ReadonlyMap<string, number>;
}

/** The most severe ones, the newest among equals, in the order they came. */
export function pickLogs(
  records: readonly ReceivedLogRecord[],
  count: number,
  before: LogPage['others'] = new Map(),
): LogPage {
  const others = new Map(before);
  const ranked = records
    .map((record, index) => ({ record, index, rank: rankOf(record) }))
    .sort((a, b) => b.rank - a.rank || b.index - a.index);
  for (const { record } of ranked.slice(count)) {
    const [name] = severityOf(record);
    others.set(name, (others.get(name) ?? 0) + 1);
  }
  const shown = ranked
    .slice(0, count)
    .sort((a, b) => a.index - b.index)
    .map(({ record }) => record);
  return { shown, others };
}

/** What is less than a warning is all the same: only the newest of it is of interest. */
function rankOf({ severityNumber }: ReceivedLogRecord): number {
  return severityNumber < WARN ? 0 : Math.ceil(severityNumber / 4);
}

/** Draws log records, without a newline at the end. None give an empty string. */
export function renderLogs({ shown, others }: LogPage, options: LogsOptions = {}): string {
  const width = Math.max(24, options.width ?? 100);
  const paint = painter(options.color ?? false);
  const services = [...new Set(shown.map(serviceOf))];
  const serviceWidth =
    services.length > 1 && width >= 64 ? Math.min(16, Math.max(...services.map(textWidth))) : 0;
  const lines = shown.map((record) => line(record, width, serviceWidth, paint));
  const rest = [...others.values()].reduce((sum, count) => sum + count, 0);
  if (rest > 0)
    lines.push(paint('dim', `… ${counted(rest, 'more log record')}`) + grave(others, paint));
  return lines.join('\n');
}

/** How many of those that were left out are no small matter. */
function grave(others: LogPage['others'], paint: Paint): string {
  return SEVERITIES.slice(3)
    .filter(([name]) => (others.get(name) ?? 0) > 0)
    .map(([name, ink]) => `, ${paint(ink!, `${formatCount(others.get(name)!)} ${name}`)}`)
    .join('');
}

function line(
  record: ReceivedLogRecord,
  width: number,
  serviceWidth: number,
  paint: Paint,
): string {
  const [name, ink] = severityOf(record);
  const severity = fit(name, SEVERITY_WIDTH);
  let left = `${paint('dim', timeText(record))}  ${ink === undefined ? severity : paint(ink, severity)}  `;
  let room = width - TIME_WIDTH - SEVERITY_WIDTH - 4;
  if (serviceWidth > 0) {
    left += `${paint('cyan', fit(serviceOf(record), serviceWidth))}  `;
    room -= serviceWidth + 2;
  }
  let right = '';
  const event = visible(record.eventName);
  if (width >= 48) {
    if (event !== '') {
      const eventWidth = Math.min(textWidth(event), Math.floor(room / 3));
      right += `  ${paint('cyan', fit(event, eventWidth))}`;
      room -= eventWidth + 2;
    }
    const trace = visible(record.traceId.slice(0, TRACE_WIDTH));
    if (trace !== '') right += `  ${paint('dim', trace)}`;
    room -= TRACE_WIDTH + 2;
  }
  const fitted = fit(bodyText(record), room);
  const body = right === '' ? fitted.trimEnd() : fitted;
  const told = record.severityNumber >= 17 ? paint('red', body) : body;
  return `${left}${told}${right}`.trimEnd();
}

function severityOf({
  severityNumber,
  severityText,
}: ReceivedLogRecord): readonly [string, Ink | undefined] {
  const known = SEVERITIES[Math.ceil(severityNumber / 4) - 1];
  return known ?? [visible(severityText).toUpperCase() || '–', undefined];
}

/** Of this machine's zone, as the lines of requests. */
function timeText({ timeUnixNano, observedTimeUnixNano }: ReceivedLogRecord): string {
  const ms = Number((timeUnixNano || observedTimeUnixNano) / 1_000_000n);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return fit('–', TIME_WIDTH);
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** The first line of what was said, and how many there are; of an exception what it says. */
function bodyText({ body, attributes }: ReceivedLogRecord): string {
  const said = typeof body === 'string' ? body : body === null ? '' : valueText(body);
  const type = attributes['exception.type'];
  const message = attributes['exception.message'];
  const thrown = [type, message].filter(isText).join(': ');
  const all = said === '' ? thrown : said;
  const lines = all.trimEnd().split(/\r?\n/);
  const first = visible(lines[0]!);
  const more = lines.length > 1 ? `  ⏎ ${counted(lines.length - 1, 'more line')}` : '';
  const also = said === '' || thrown === '' || said.includes(thrown) ? '' : `  ${visible(thrown)}`;
  return first + more + also;
}

function isText(value: ReceivedValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function serviceOf({ resource }: ReceivedLogRecord): string {
  const name = resource.attributes['service.name'];
  return isText(name) ? visible(name) : 'unknown';
}
