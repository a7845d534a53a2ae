/** Log records of another SDK, as the ring takes them. */

import type { SpanContext } from '@opentelemetry/api';
import { Bodies } from '../api/log/body.ts';
import { EmittedLog, severityKeys, severityOf } from '../api/log/emitted.ts';
import { textOf } from '../api/trace/attributes.ts';
import { idsOf } from '../api/trace/ids.ts';
import type { Group } from '../buffer/record.ts';
import type { Ring, Written } from '../buffer/ring.ts';
import { Key, unboundedTree } from '../buffer/shape.ts';
import type { GroupReader } from './group-reader.ts';
import type { LogLike } from './log-like.ts';
import { checkTime, countOf, fillFrom, isPolluted, type RecordReader } from './read-record.ts';

export class LogReader implements RecordReader<LogLike> {
  private readonly ring: Ring;
  private readonly groups: GroupReader;
  // The SDK has bounded what it recorded; we would only cut it twice.
  private readonly shapes = unboundedTree();
  private readonly bodies = new Bodies(this.shapes);
  private readonly severityKeys = severityKeys();
  private readonly noEvent = new Key('');
  /** The record that is filled, one for each scope: what repeats tends to repeat in that. */
  private readonly byScope = new WeakMap<Group, EmittedLog>();
  /** Those filled in this batch. */
  private readonly filled = new Set<EmittedLog>();
  private log: EmittedLog | undefined = undefined;
  private polluted = false;
  /** Records of a request belong to the same span, by the same object mostly. */
  private lastContext: SpanContext | undefined = undefined;
  private lastIds: Int32Array = new Int32Array(6);

  /** @param ring that records go to. */
  constructor(ring: Ring, groups: GroupReader) {
    this.ring = ring;
    this.groups = groups;
  }

  prepare(): void {
    this.polluted = isPolluted();
  }

  read(from: LogLike): void {
    const { hrTime, hrTimeObserved, severityText, eventName, body, spanContext } = from;
    const to = this.of(this.groups.scopeOf(from.resource, from.instrumentationScope));
    checkTime(hrTime);
    checkTime(hrTimeObserved);
    to.timeSec = hrTime[0];
    to.timeNano = hrTime[1];
    to.observedSec = hrTimeObserved[0];
    to.observedNano = hrTimeObserved[1];
    this.readContext(spanContext, to);
    const severity = severityOf(from.severityNumber);
    to.severityNumber = severity;
    to.severityKey = this.severityKeys[severity]!;
    to.severityText = textOf(severityText ?? '');
    const name = textOf(eventName ?? '');
    const key = this.shapes.key(name === '' ? `logger ${to.scope.name}` : name);
    to.eventName = name;
    to.eventKey = name === '' ? this.noEvent : key;
    to.body = this.bodies.take(body);
    to.shape = key.shape ?? this.shapes.first(key);
    to.count = 0;
    to.dropped = fillFrom(to, from.attributes as never, this.polluted);
    to.dropped += countOf(from.droppedAttributesCount);
    key.shape = to.shape;
  }

  write(): Written {
    return this.ring.writeLog(this.log!);
  }

  release(): void {
    for (const log of this.filled) {
      log.values = [];
      log.body = undefined;
    }
    this.filled.clear();
    this.log = undefined;
    this.lastContext = undefined;
    this.groups.release();
  }

  private of(scope: Group): EmittedLog {
    let log = this.log?.scope === scope ? this.log : this.byScope.get(scope);
    if (log === undefined) {
      // A key for each scope: whether texts are worth interning differs.
      const bodyShape = this.bodies.tree.first(new Key('')).with(scope.name, 0);
      log = new EmittedLog(scope, bodyShape, this.noEvent);
      this.byScope.set(scope, log);
    }
    this.filled.add(log);
    this.log = log;
    return log;
  }

  private readContext(context: SpanContext | undefined, to: EmittedLog): void {
    if (context === undefined) {
      to.setSpan(undefined);
      return;
    }
    if (context !== this.lastContext) {
      this.lastIds = idsOf(context.traceId, context.spanId);
      this.lastContext = context;
    }
    const ids = this.lastIds;
    to.setSpan({
      ...{ traceId0: ids[0]!, traceId1: ids[1]!, traceId2: ids[2]!, traceId3: ids[3]! },
      ...{ spanId0: ids[4]!, spanId1: ids[5]!, flags: context.traceFlags },
    });
  }
}
