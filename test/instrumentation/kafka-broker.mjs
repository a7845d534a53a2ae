// One broker, one partition per topic, one member per group: as much of Kafka's protocol as a
// client needs that sends messages and gets them back. Record batches are kept as they were sent,
// so what a consumer finds in a message's headers is what the producer put there.

import { createServer } from 'node:net';

const PRODUCE = 0;
const FETCH = 1;
const LIST_OFFSETS = 2;
const METADATA = 3;
const OFFSET_COMMIT = 8;
const OFFSET_FETCH = 9;
const FIND_COORDINATOR = 10;
const JOIN_GROUP = 11;
const HEARTBEAT = 12;
const LEAVE_GROUP = 13;
const SYNC_GROUP = 14;
const API_VERSIONS = 18;

/** The one version of each request that is spoken. */
const VERSIONS = new Map([
  [PRODUCE, 3],
  [FETCH, 4],
  [LIST_OFFSETS, 1],
  [METADATA, 1],
  [OFFSET_COMMIT, 2],
  [OFFSET_FETCH, 1],
  [FIND_COORDINATOR, 1],
  [JOIN_GROUP, 0],
  [HEARTBEAT, 0],
  [LEAVE_GROUP, 0],
  [SYNC_GROUP, 0],
  [API_VERSIONS, 2],
]);

const NO_ERROR = 0;
const NODE_ID = 1;
const PARTITION = 0;
const EARLIEST = -2n;
const UNKNOWN_OFFSET = -1n;

/** Where a record batch (magic 2) holds the offset of its last record relative to its first. */
const LAST_OFFSET_DELTA_AT = 23;

/** @returns `port`, and `close()`, which cuts all connections */
export async function startBroker() {
  /** topic → [{ first, next, bytes }] */
  const logs = new Map();
  /** `group topic` → offset */
  const committed = new Map();
  const sockets = new Set();
  let waitingFetches = [];
  let members = 0;

  const log = (topic) => {
    if (!logs.has(topic)) logs.set(topic, []);
    return logs.get(topic);
  };
  const end = (topic) => log(topic).at(-1)?.next ?? 0n;

  /** What is answered; null: nothing yet. */
  const answers = {
    [API_VERSIONS]: () => {
      const reply = new Writer().int16(NO_ERROR);
      return reply
        .array([...VERSIONS], ([key, version]) => reply.int16(key).int16(version).int16(version))
        .int32(0);
    },
    [METADATA]: (request) => {
      const topics = request.array(() => request.string());
      const reply = new Writer();
      reply.array([port], () => reply.int32(NODE_ID).string('127.0.0.1').int32(port).string(null));
      reply.int32(NODE_ID);
      return reply.array(topics, (topic) => {
        reply.int16(NO_ERROR).string(topic).int8(0);
        reply.array([PARTITION], (id) => {
          reply.int16(NO_ERROR).int32(id).int32(NODE_ID);
          for (const nodes of [[NODE_ID], [NODE_ID]])
            reply.array(nodes, (node) => reply.int32(node));
        });
      });
    },
    [PRODUCE]: (request) => {
      request.string();
      request.int16();
      request.int32();
      const stored = perPartition(request, (topic) => {
        const bytes = Buffer.from(request.bytes());
        const first = end(topic);
        bytes.writeBigInt64BE(first, 0);
        const next = first + BigInt(bytes.readInt32BE(LAST_OFFSET_DELTA_AT)) + 1n;
        log(topic).push({ first, next, bytes });
        return first;
      });
      const reply = answer(stored, (reply, first) =>
        reply.int16(NO_ERROR).int64(first).int64(UNKNOWN_OFFSET),
      ).int32(0);
      const retry = waitingFetches;
      waitingFetches = [];
      for (const run of retry) run();
      return reply;
    },
    [FETCH]: (request, isLast) => {
      request.int32();
      request.int32();
      request.int32();
      request.int32();
      request.int8();
      const wanted = perPartition(request, (topic) => {
        const from = request.int64();
        request.int32();
        return { topic, batches: log(topic).filter(({ next }) => next > from) };
      });
      if (!isLast && wanted.every(({ value }) => value.batches.length === 0)) return null;
      const reply = new Writer().int32(0);
      return answer(
        wanted,
        (into, { topic, batches }) => {
          into.int16(NO_ERROR).int64(end(topic)).int64(end(topic)).int32(0);
          return into.bytes(Buffer.concat(batches.map(({ bytes }) => bytes)));
        },
        reply,
      );
    },
    [LIST_OFFSETS]: (request) => {
      request.int32();
      const offsets = perPartition(request, (topic) =>
        request.int64() === EARLIEST ? 0n : end(topic),
      );
      return answer(offsets, (reply, offset) =>
        reply.int16(NO_ERROR).int64(UNKNOWN_OFFSET).int64(offset),
      );
    },
    [OFFSET_COMMIT]: (request) => {
      const group = request.string();
      request.int32();
      request.string();
      request.int64();
      const done = perPartition(request, (topic) => {
        committed.set(`${group} ${topic}`, request.int64());
        request.string();
      });
      return answer(done, (reply) => reply.int16(NO_ERROR));
    },
    [OFFSET_FETCH]: (request) => {
      const group = request.string();
      const offsets = perPartition(
        request,
        (topic) => committed.get(`${group} ${topic}`) ?? UNKNOWN_OFFSET,
      );
      return answer(offsets, (reply, offset) => reply.int64(offset).string('').int16(NO_ERROR));
    },
    [FIND_COORDINATOR]: () =>
      new Writer()
        .int32(0)
        .int16(NO_ERROR)
        .string(null)
        .int32(NODE_ID)
        .string('127.0.0.1')
        .int32(port),
    [JOIN_GROUP]: (request) => {
      request.string();
      request.int32();
      const member = request.string() || `member-${++members}`;
      request.string();
      const [{ name, metadata }] = request.array(() => ({
        name: request.string(),
        metadata: request.bytes(),
      }));
      const reply = new Writer().int16(NO_ERROR).int32(1).string(name);
      reply.string(member).string(member);
      return reply.array([member], () => reply.string(member).bytes(metadata));
    },
    [SYNC_GROUP]: (request) => {
      request.string();
      request.int32();
      request.string();
      const assignments = request.array(() => {
        request.string();
        return request.bytes();
      });
      return new Writer().int16(NO_ERROR).bytes(assignments[0]);
    },
    [HEARTBEAT]: () => new Writer().int16(NO_ERROR),
    [LEAVE_GROUP]: () => new Writer().int16(NO_ERROR),
  };

  function serve(socket, frame) {
    const header = new Reader(frame);
    const key = header.int16();
    header.int16();
    const id = header.int32();
    header.string();
    const body = frame.subarray(header.at);
    const attempt = (isLast) => {
      const reply = answers[key](new Reader(body), isLast);
      if (reply === null || socket.destroyed) return reply !== null;
      const payload = Buffer.concat(reply.parts);
      socket.write(
        Buffer.concat([new Writer().int32(payload.length + 4).int32(id).parts, payload].flat()),
      );
      return true;
    };
    if (attempt(false)) return;
    // A fetch that found nothing: answered when something is produced, empty after its wait.
    const maxWaitMs = body.readInt32BE(4);
    let answered = false;
    const later = (isLast) => {
      if (!answered) answered = attempt(isLast);
      if (answered) clearTimeout(timer);
      else waitingFetches.push(() => later(false));
    };
    const timer = setTimeout(() => later(true), maxWaitMs);
    waitingFetches.push(() => later(false));
  }

  const listener = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const length = received.readInt32BE(0);
        serve(socket, received.subarray(4, 4 + length));
        received = received.subarray(4 + length);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve, reject) => {
    listener.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address();
  return {
    port,
    close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** [topic [partition …]], as most requests have it; `read` reads what follows a partition. */
function perPartition(request, read) {
  return request
    .array(() => {
      const topic = request.string();
      return request.array(() => ({ topic, partition: request.int32(), value: read(topic) }));
    })
    .flat();
}

/** The same shape, answered: `write` writes what follows a partition. */
function answer(entries, write, reply = new Writer()) {
  return reply.array(entries, ({ topic, partition, value }) => {
    reply.string(topic).array([partition], () => write(reply.int32(partition), value));
  });
}

class Reader {
  at = 0;
  constructor(buffer) {
    this.buffer = buffer;
  }
  advance(size) {
    this.at += size;
    return this.at - size;
  }
  int8() {
    return this.buffer.readInt8(this.advance(1));
  }
  int16() {
    return this.buffer.readInt16BE(this.advance(2));
  }
  int32() {
    return this.buffer.readInt32BE(this.advance(4));
  }
  int64() {
    return this.buffer.readBigInt64BE(this.advance(8));
  }
  string() {
    const length = this.int16();
    return length < 0 ? null : this.buffer.toString('utf8', this.advance(length), this.at);
  }
  bytes() {
    const length = this.int32();
    return length < 0 ? null : this.buffer.subarray(this.advance(length), this.at);
  }
  array(read) {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}

class Writer {
  parts = [];
  put(size, write) {
    const part = Buffer.alloc(size);
    write(part);
    this.parts.push(part);
    return this;
  }
  int8(value) {
    return this.put(1, (part) => part.writeInt8(value));
  }
  int16(value) {
    return this.put(2, (part) => part.writeInt16BE(value));
  }
  int32(value) {
    return this.put(4, (part) => part.writeInt32BE(value));
  }
  int64(value) {
    return this.put(8, (part) => part.writeBigInt64BE(value));
  }
  string(value) {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    this.int16(bytes.length).parts.push(bytes);
    return this;
  }
  bytes(value) {
    this.int32(value.length).parts.push(value);
    return this;
  }
  array(values, write) {
    this.int32(values.length);
    values.forEach(write);
    return this;
  }
}
