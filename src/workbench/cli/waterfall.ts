/**
 * One trace in a terminal:
 *
 *     GET /cart  12.4 ms · 4 spans · 2 services · 1 error
 *     trace 0af7651916cd43dd8448eb211c80319c
 *
 *                             0 ─────────── 6.20 ms ─────────── 12.4 ms
 *     shop   GET /cart        █████████████████████████████████████████    12.4 ms
 *     shop   ├ authorize       ▐██•█▌                                      2.10 ms
 *     stock  └ ✖ GET /stock           ▐█████████◆████████                  6.90 ms
 *     stock    └ SELECT                  ▐██████                           2.51 ms
 */

import type { ReceivedSpan } from '../collector/received.ts';
import { type Ink, painter } from './color.ts';
import { counted, fit, formatCount, formatDuration, textWidth, visible } from './text.ts';

export interface WaterfallOptions {
  /** Columns to draw in. Default 100. Under 48 the bars are left out. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
  /** Spans drawn at most; the rest is counted. Default 60. */
  readonly maxRows?: number;
}

interface Node {
  readonly span: ReceivedSpan;
  readonly service: string;
  readonly children: Node[];
  /** Nanoseconds from the earliest start that was sent, moved by what clocks disagree. */
  start: number;
  end: number;
  /** Its clock is behind its parent's, or its end before its start. */
  skewed: boolean;
  /** It names a parent that was not received. */
  orphan: boolean;
}

interface Row {
  readonly tree: string;
  readonly name: string;
  readonly service: string;
  readonly start: number;
  readonly end: number;
  /** Of all the spans it stands for. */
  readonly durationNs: number;
  /** Spans it stands for. */
  readonly spans: number;
  readonly error: boolean;
  /** Times of events, and whether each is an exception. */
  readonly events: readonly { readonly time: number; readonly exception: boolean }[];
}

const STATUS_ERROR = 2;

/** Columns of the root's name in the first line. */
const MAX_TITLE = 60;

/** A child may seem to start this much before its parent: clocks of one machine differ, too. */
const SKEW_TOLERANCE_NS = 1e6;

/** A run of like leaves longer than this is drawn as its first few and a line for the rest. */
const RUN_LENGTH = 8;
const RUN_SHOWN = 3;

const SERVICE_INKS: readonly Ink[] = ['cyan', 'green', 'magenta', 'yellow', 'blue'];

/** Draws the spans of one trace, without a newline at the end. No spans give an empty string. */
export function renderWaterfall(
  spans: readonly ReceivedSpan[],
  options: WaterfallOptions = {},
): string {
  if (spans.length === 0) return '';
  const { color = false, maxRows = 60 } = options;
  const width = Math.max(24, options.width ?? 100);
  const paint = painter(color);

  const { roots, nodes } = treeOf(spans);
  placeInTime(roots);
  const from = minOf(nodes.map((node) => node.start));
  const until = maxOf(nodes.map((node) => node.end));
  const services = [...new Set(nodes.map((node) => node.service))];
  const { rows, hidden } = rowsOf(roots, maxRows, Math.floor(width / 9));

  const bars = width >= 48;
  const serviceWidth =
    services.length > 1 && width >= 64 ? Math.min(16, maxOf(services.map(textWidth))) : 0;
  const durationWidth = 9;
  const wanted = maxOf(rows.map((row) => textWidth(row.tree) + textWidth(row.name)));
  const free = width - (serviceWidth > 0 ? serviceWidth + 2 : 0) - durationWidth - 2;
  const nameWidth = bars ? Math.min(wanted, Math.floor(free * 0.5)) : Math.min(wanted, free);
  const barWidth = bars ? free - nameWidth - 2 : 0;
  const inkOf = (service: string) => SERVICE_INKS[services.indexOf(service) % SERVICE_INKS.length]!;

  const lines = [...header(nodes, spans, services, until - from, paint), ''];
  const left = ' '.repeat(nameWidth + 2 + (serviceWidth > 0 ? serviceWidth + 2 : 0));
  if (bars && until > from) lines.push(left + paint('dim', axis(until - from, barWidth)));
  for (const row of rows) {
    const ink = row.error ? 'red' : inkOf(row.service);
    const label = fit(row.tree + row.name, nameWidth);
    const tree = row.tree.length < label.length ? row.tree.length : 0;
    const name = label.slice(tree);
    let line =
      serviceWidth > 0 ? `${paint(inkOf(row.service), fit(row.service, serviceWidth))}  ` : '';
    line += paint('dim', label.slice(0, tree)) + (row.error ? paint('red', name) : name);
    if (bars) line += `  ${paint(ink, bar(row, from, until, barWidth))}`;
    const sum = row.spans > 1 ? 'Σ ' : '';
    line += `  ${fit(sum + formatDuration(row.durationNs), durationWidth, 'right')}`;
    lines.push(line);
  }
  if (hidden > 0) lines.push(paint('dim', `… ${counted(hidden, 'more span')}`));
  const notes = footnotes(nodes);
  if (notes.length > 0)
    lines.push('', ...notes.map((note) => paint('dim', fit(note, width).trimEnd())));
  return lines.join('\n');
}

function header(
  nodes: readonly Node[],
  spans: readonly ReceivedSpan[],
  services: readonly string[],
  lengthNs: number,
  paint: ReturnType<typeof painter>,
): string[] {
  const first = nodes[0]!;
  const errors = nodes.filter((node) => node.span.status.code === STATUS_ERROR).length;
  const duplicates = spans.length - nodes.length;
  const facts = [
    formatDuration(lengthNs),
    counted(nodes.length, 'span'),
    services.length > 1 ? counted(services.length, 'service') : services[0]!,
    ...(errors > 0 ? [paint('red', counted(errors, 'error'))] : []),
    ...(duplicates > 0 ? [`${counted(duplicates, 'span')} received again`] : []),
  ];
  const title = `${paint('bold', fit(visible(first.span.name), MAX_TITLE).trimEnd())}  ${facts.join(' · ')}`;
  return [title, paint('dim', `trace ${first.span.traceId}`)];
}

function footnotes(nodes: readonly Node[]): string[] {
  const notes: string[] = [];
  if (nodes.some((node) => node.orphan)) notes.push('⋯ the parent was not received');
  if (nodes.some((node) => node.skewed)) {
    notes.push('≈ the clocks disagree: drawn inside its parent, or without a length');
  }
  return notes;
}

// ---- The tree.

/** Spans under their parents, siblings by start; the first node is the first root. */
function treeOf(spans: readonly ReceivedSpan[]): { roots: Node[]; nodes: Node[] } {
  const byId = new Map<string, Node>();
  let origin = spans[0]!.startTimeUnixNano;
  for (const { startTimeUnixNano } of spans) {
    if (startTimeUnixNano < origin) origin = startTimeUnixNano;
  }
  for (const span of spans) {
    if (byId.has(span.spanId)) continue;
    const start = Number(span.startTimeUnixNano - origin);
    const end = Number(span.endTimeUnixNano - origin);
    byId.set(span.spanId, {
      span,
      service: serviceOf(span),
      children: [],
      start,
      end: Math.max(start, end),
      skewed: end < start,
      orphan: false,
    });
  }
  const byStart = [...byId.values()].sort((a, b) => a.start - b.start);
  const roots: Node[] = [];
  for (const node of byStart) {
    const { parentSpanId, spanId } = node.span;
    const parent = parentSpanId === spanId ? undefined : byId.get(parentSpanId);
    if (parent !== undefined) parent.children.push(node);
    else {
      roots.push(node);
      node.orphan = parentSpanId !== '';
    }
  }
  // Parents that are each other's descendants hang from no root: cut the circle at its earliest.
  const nodes = roots.flatMap(descendants);
  const reached = new Set(nodes);
  for (const node of byStart) {
    if (reached.has(node)) continue;
    const { children } = byId.get(node.span.parentSpanId)!;
    children.splice(children.indexOf(node), 1);
    node.orphan = true;
    roots.push(node);
    for (const below of descendants(node)) {
      reached.add(below);
      nodes.push(below);
    }
  }
  return { roots, nodes };
}

/** The node and all below it, parents first. A trace may be deeper than the call stack. */
function descendants(root: Node): Node[] {
  const found: Node[] = [];
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    found.push(node);
    for (let i = node.children.length - 1; i >= 0; i--) stack.push(node.children[i]!);
  }
  return found;
}

function serviceOf(span: ReceivedSpan): string {
  const name = span.resource.attributes['service.name'];
  return typeof name === 'string' && name !== '' ? visible(name) : 'unknown';
}

/**
 * A child cannot start before its parent: where it seems to, its machine's clock is behind, and
 * it is drawn with all below it in the middle of its parent, or at its start.
 */
function placeInTime(roots: readonly Node[]): void {
  const stack = roots.map((node) => ({ node, shift: 0 }));
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { node } = item;
    node.start += item.shift;
    node.end += item.shift;
    for (const child of node.children) {
      let { shift } = item;
      const start = child.start + shift;
      if (start < node.start - SKEW_TOLERANCE_NS) {
        const slack = node.end - node.start - (child.end - child.start);
        shift += node.start + Math.max(0, slack / 2) - start;
        child.skewed = true;
      }
      stack.push({ node: child, shift });
    }
  }
}

// ---- Rows.

interface Pending {
  readonly row: Row;
  readonly node: Node | undefined;
  /** What stands before the rows of its children. */
  readonly below: string;
  readonly depth: number;
}

function rowsOf(
  roots: readonly Node[],
  maxRows: number,
  maxDepth: number,
): { rows: Row[]; hidden: number } {
  const rows: Row[] = [];
  let hidden = 0;
  const stack: Pending[] = [];
  const push = (pending: Pending[]) => {
    for (let i = pending.length - 1; i >= 0; i--) stack.push(pending[i]!);
  };
  push(pendingOf(roots, '', 0, maxDepth));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (rows.length < maxRows) rows.push(next.row);
    else hidden += next.row.spans;
    const children = next.node?.children ?? [];
    push(pendingOf(children, next.below, next.depth + 1, maxDepth));
  }
  return { rows, hidden };
}

function pendingOf(
  siblings: readonly Node[],
  before: string,
  depth: number,
  maxDepth: number,
): Pending[] {
  const pending: Pending[] = [];
  for (let i = 0; i < siblings.length; ) {
    const run = runFrom(siblings, i);
    const folded = run > RUN_LENGTH ? run - RUN_SHOWN : 0;
    for (let j = i; j < i + run - folded; j++) {
      const last = folded === 0 && j === siblings.length - 1;
      const { tree, below } = branch(before, depth, last, maxDepth);
      pending.push({ row: rowOf(siblings[j]!, tree), node: siblings[j]!, below, depth });
    }
    if (folded > 0) {
      const { tree } = branch(before, depth, i + run === siblings.length, maxDepth);
      const row = foldedRow(siblings.slice(i + RUN_SHOWN, i + run), tree);
      pending.push({ row, node: undefined, below: '', depth });
    }
    i += run;
  }
  return pending;
}

/** How many siblings from `start` are leaves of the same name and service. */
function runFrom(siblings: readonly Node[], start: number): number {
  const first = siblings[start]!;
  const like = (node: Node) =>
    node.children.length === 0 &&
    node.span.name === first.span.name &&
    node.service === first.service;
  let end = start + 1;
  if (first.children.length > 0) return 1;
  while (end < siblings.length && like(siblings[end]!)) end++;
  return end - start;
}

/** The lines of the tree before a row, and before its children; beyond `maxDepth` a number. */
function branch(before: string, depth: number, last: boolean, maxDepth: number) {
  if (depth === 0) return { tree: '', below: '' };
  if (depth > maxDepth) return { tree: `${' '.repeat(2 * maxDepth - 2)}┄${depth} `, below: '' };
  return {
    tree: before + (last ? '└ ' : '├ '),
    below: before + (last ? '  ' : '│ '),
  };
}

function rowOf(node: Node, tree: string): Row {
  const { span, service, start, end } = node;
  const error = span.status.code === STATUS_ERROR;
  const marks = (node.orphan ? '⋯ ' : '') + (error ? '✖ ' : '') + (node.skewed ? '≈ ' : '');
  return {
    tree,
    name: marks + visible(span.name),
    service,
    start,
    end,
    durationNs: end - start,
    spans: 1,
    error,
    events: span.events.map((event) => ({
      time: start + Number(event.timeUnixNano - span.startTimeUnixNano),
      exception: event.name === 'exception',
    })),
  };
}

function foldedRow(nodes: readonly Node[], tree: string): Row {
  const errors = nodes.filter((node) => node.span.status.code === STATUS_ERROR).length;
  const failed = errors > 0 ? ` (✖ ${formatCount(errors)})` : '';
  const { service, span } = nodes[0]!;
  return {
    tree,
    name: `× ${formatCount(nodes.length)} more${failed} ${visible(span.name)}`,
    service,
    start: minOf(nodes.map((node) => node.start)),
    end: maxOf(nodes.map((node) => node.end)),
    durationNs: nodes.reduce((sum, node) => sum + node.end - node.start, 0),
    spans: nodes.length,
    error: errors > 0,
    events: [],
  };
}

// ---- Bars: half a column is the smallest step.

function bar(row: Row, from: number, until: number, width: number): string {
  const scale = until > from ? (2 * width) / (until - from) : 0;
  const first = Math.min(2 * width - 1, Math.floor((row.start - from) * scale));
  const end = Math.max(first + 1, Math.min(2 * width, Math.ceil((row.end - from) * scale)));
  const cells: string[] = [];
  for (let i = 0; i < width; i++) {
    const leftHalf = first <= 2 * i && 2 * i < end;
    const rightHalf = first <= 2 * i + 1 && 2 * i + 1 < end;
    cells.push(leftHalf ? (rightHalf ? '█' : '▌') : rightHalf ? '▐' : ' ');
  }
  if (scale === 0) cells.fill('█');
  for (const { time, exception } of row.events) {
    const cell = Math.floor(((time - from) * scale) / 2);
    const mark = exception ? '◆' : '•';
    const at = Math.max(0, Math.min(width - 1, cell));
    if (cells[at] !== '◆') cells[at] = mark;
  }
  return cells.join('');
}

/** `0 ──── half ──── whole`, as much as fits. */
function axis(lengthNs: number, width: number): string {
  const end = ` ${formatDuration(lengthNs)}`;
  const middle = ` ${formatDuration(lengthNs / 2)} `;
  const start = '0 ';
  const dashes = width - start.length - end.length;
  if (dashes < middle.length + 4) return start + '─'.repeat(Math.max(0, dashes)) + end;
  const before = Math.max(1, Math.floor((width - middle.length) / 2) - start.length);
  return (
    start +
    '─'.repeat(before) +
    middle +
    '─'.repeat(Math.max(1, dashes - before - middle.length)) +
    end
  );
}

// `Math.min(...values)` overflows the stack for very long lists.

function minOf(values: readonly number[]): number {
  return values.reduce((min, value) => Math.min(min, value));
}

function maxOf(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, value));
}
