import { beforeEach, expect, it, vi } from 'vitest';
import { fileTransport } from '../../src/exporters/file.ts';
import { traceRig } from '../support/engines.ts';

/** What the file holds, and how many bytes still fit; then the disk is full. */
const disk = vi.hoisted(() => ({ text: '', left: 0, opened: 0, closed: 0, perWrite: 0 }));

vi.mock('node:fs/promises', () => ({
  async open() {
    disk.opened++;
    return {
      async write(bytes: Uint8Array, from = 0) {
        if (disk.left === 0) {
          throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        }
        const bytesWritten = Math.min(bytes.length - from, disk.left, disk.perWrite);
        disk.text += Buffer.from(bytes.subarray(from, from + bytesWritten)).toString('latin1');
        disk.left -= bytesWritten;
        return { bytesWritten };
      },
      async close() {
        disk.closed++;
      },
    };
  },
}));

beforeEach(() => Object.assign(disk, { text: '', left: 1e9, opened: 0, closed: 0, perWrite: 1e9 }));

function payload() {
  const rig = traceRig('simd');
  rig.tracer('t').startSpan('s').end();
  const body = rig.encode();
  const fixed = { signal: 'traces', encoding: 'identity', contentType: '' } as const;
  return { ...fixed, body, records: 1, rawBytes: body.length };
}

it('a line that was cut by a full disk is ended before the request is written again, whole', async () => {
  const transport = fileTransport({ path: 'traces.jsonl' });
  disk.left = 30;
  expect(await transport.send(payload())).toMatchObject({ kind: 'retryable' });
  expect(await transport.send(payload())).toMatchObject({ kind: 'retryable' });
  disk.left = 1e9;
  expect(await transport.send(payload())).toEqual({ kind: 'delivered' });
  expect(await transport.send(payload())).toEqual({ kind: 'delivered' });
  const [torn, ...whole] = disk.text.split('\n');
  expect(torn).toHaveLength(30);
  expect(whole.pop()).toBe('');
  expect(whole).toHaveLength(2);
  for (const line of whole) expect(JSON.parse(line)).toHaveProperty('resourceSpans');
  expect([disk.opened, disk.closed]).toEqual([4, 4]);
});

it('a line that did not fit at all leaves nothing behind', async () => {
  const transport = fileTransport({ path: 'traces.jsonl' });
  disk.left = 0;
  expect(await transport.send(payload())).toMatchObject({ kind: 'retryable' });
  disk.left = 1e9;
  await transport.send(payload());
  expect(disk.text.split('\n')).toEqual([expect.stringMatching(/^\{"resourceSpans"/), '']);
});

it('a line that is taken piece by piece is written to its end', async () => {
  disk.perWrite = 7;
  await fileTransport({ path: 'traces.jsonl' }).send(payload());
  expect(disk.text.endsWith('}\n')).toBe(true);
  expect(JSON.parse(disk.text)).toHaveProperty('resourceSpans');
});
