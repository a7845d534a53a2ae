import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import {
  decodeExportResponse,
  decodeRetryDelay,
  decodeStatusMessage,
} from '../../src/codec/response.ts';
import { randomFrom } from '../support/random.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

const root = protobuf.parse(`
  syntax = "proto3";
  message PartialSuccess { int64 rejected = 1; string error_message = 2; }
  message Response { PartialSuccess partial_success = 1; }
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Newer {
    message Partial {
      int64 rejected = 1; string error_message = 2; fixed64 a = 7; fixed32 b = 900;
      Partial c = 16; double d = 17; sint64 e = 18;
    }
    uint64 x = 5; Partial partial_success = 1; string y = 19000000; repeated float z = 6;
  }
`).root;

function encode(type: string, message: object): Uint8Array {
  const found = root.lookupType(type);
  return found.encode(found.fromObject(message)).finish();
}

const text = (value: string) => new TextEncoder().encode(value);
const concat = (...parts: (Uint8Array | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

describe('ExportXServiceResponse as protobuf', () => {
  it('accepts everything when the body is empty', () => {
    expect(decodeExportResponse(new Uint8Array(0), PROTOBUF)).toEqual({ rejected: 0, message: '' });
  });

  it('accepts everything when partial_success is set but empty', () => {
    expect(decodeExportResponse(Uint8Array.of(0x0a, 0), PROTOBUF)).toEqual({
      rejected: 0,
      message: '',
    });
  });

  it.each([
    [1, 'one'],
    [0, 'only a warning'],
    [127, ''],
    [128, 'größer — 数'],
    [2 ** 31, 'x'.repeat(300)],
    [Number.MAX_SAFE_INTEGER, 'largest'],
  ])('reads %d rejected', (rejected, errorMessage) => {
    const body = encode('Response', { partialSuccess: { rejected, errorMessage } });
    expect(decodeExportResponse(body, PROTOBUF)).toEqual({ rejected, message: errorMessage });
  });

  it('takes a negative count for none', () => {
    const body = encode('Response', { partialSuccess: { rejected: -1, errorMessage: 'odd' } });
    expect(decodeExportResponse(body, PROTOBUF)).toEqual({ rejected: 0, message: 'odd' });
  });

  it('skips fields and types it does not know', () => {
    const partial = {
      rejected: 7,
      errorMessage: 'm',
      a: 1,
      b: 2,
      c: { rejected: 9 },
      d: 1.5,
      e: -4,
    };
    const body = encode('Newer', { x: 300, partialSuccess: partial, y: 'later', z: [1, 2] });
    expect(decodeExportResponse(body, PROTOBUF)).toEqual({ rejected: 7, message: 'm' });
  });

  it('skips groups, whatever is in them', () => {
    const partial = encode('Response', { partialSuccess: { rejected: 2, errorMessage: 'g' } });
    // group 4 { field 1: varint 5; group 6 {} }
    const group = [0x23, 0x08, 5, 0x33, 0x34, 0x24];
    expect(decodeExportResponse(concat(group, partial), PROTOBUF)).toEqual({
      rejected: 2,
      message: 'g',
    });
    const onlyInGroup = concat([0x23], partial, [0x24]);
    expect(decodeExportResponse(onlyInGroup, PROTOBUF)).toEqual({ rejected: 0, message: '' });
  });

  it.each([
    ['truncated length', [0x0a]],
    ['length beyond the end', [0x0a, 5, 1]],
    ['length beyond 2^63', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ['varint of eleven bytes', [0x08, ...new Array(10).fill(0xff), 1]],
    ['varint cut', [0x08, 0x80]],
    ['field number 0', [0x02, 0]],
    ['wire type 6', [0x0e, 0]],
    ['wire type 7', [0x0f]],
    ['group never closed', [0x23, 0x08, 1]],
    ['group never opened', [0x24]],
    ['fixed64 cut', [0x09, 1, 2, 3]],
    ['fixed32 cut', [0x0d, 1]],
    ['inner message malformed', [0x0a, 1, 0x08]],
    ['HTML', [...text('<html><body>It works!</body></html>')]],
  ])('refuses garbage: %s', (_, bytes) => {
    expect(decodeExportResponse(Uint8Array.from(bytes), PROTOBUF)).toBeUndefined();
  });

  it('bounds the message', () => {
    const body = encode('Response', { partialSuccess: { errorMessage: 'é'.repeat(100_000) } });
    expect(decodeExportResponse(body, PROTOBUF)?.message.length).toBeLessThanOrEqual(4096);
  });

  it('survives damaged bytes, and notices most of the damage', () => {
    const random = randomFrom(20260901);
    const valid = encode('Response', { partialSuccess: { rejected: 300, errorMessage: 'abc' } });
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const bytes = Uint8Array.from(valid);
      for (let n = 1 + random.below(2); n > 0; n--)
        bytes[random.below(bytes.length)] = random.below(256);
      const body = bytes.subarray(0, random.below(bytes.length + 1));
      const answer = decodeExportResponse(body, PROTOBUF);
      if (answer === undefined) refused++;
      else expect(answer.rejected).toBeGreaterThanOrEqual(0);
    }
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(5000);
  });
});

describe('ExportXServiceResponse as JSON', () => {
  it.each([
    ['{}', 0, ''],
    ['{"partialSuccess":{}}', 0, ''],
    ['{"partialSuccess":null}', 0, ''],
    ['{"partialSuccess":{"rejectedSpans":"12","errorMessage":"no"}}', 12, 'no'],
    ['{"partialSuccess":{"rejectedSpans":3}}', 3, ''],
    ['{"partialSuccess":{"rejectedLogRecords":"4"}}', 4, ''],
    ['{"partialSuccess":{"rejectedDataPoints":"5","other":[1]},"more":1}', 5, ''],
    ['{"partialSuccess":{"rejectedSpans":"-2"}}', 0, ''],
    ['{"partialSuccess":{"rejectedSpans":"many"}}', 0, ''],
    ['{"partialSuccess":{"rejectedSpans":null,"errorMessage":7}}', 0, ''],
  ])('reads %s', (json, rejected, message) => {
    expect(decodeExportResponse(text(json), JSON_TYPE)).toEqual({ rejected, message });
    expect(decodeExportResponse(text(json), 'application/json; charset=utf-8')).toEqual({
      rejected,
      message,
    });
  });

  it.each(['nope', '[]', '1', 'null', '{"partialSuccess":3}', '{"partialSuccess"'])(
    'refuses %s',
    (json) => {
      expect(decodeExportResponse(text(json), JSON_TYPE)).toBeUndefined();
    },
  );

  it('refuses other content types', () => {
    for (const type of ['text/html', '', 'application/jsonp', 'application/x-protobuffer']) {
      expect(decodeExportResponse(text('{}'), type)).toBeUndefined();
    }
  });
});

describe('google.rpc.Status', () => {
  it('reads the message of a protobuf status', () => {
    const body = encode('Status', {
      code: 3,
      message: 'bad span',
      details: [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: [1, 2] }],
    });
    expect(decodeStatusMessage(body, PROTOBUF)).toBe('bad span');
  });

  it('reads the message of a JSON status', () => {
    const body = text('{"code":3,"message":"bad span","details":[]}');
    expect(decodeStatusMessage(body, JSON_TYPE)).toBe('bad span');
    expect(decodeStatusMessage(body, 'application/problem+json')).toBe('bad span');
  });

  it('has none when the body is something else', () => {
    expect(decodeStatusMessage(text('{"error":"x"}'), JSON_TYPE)).toBeUndefined();
    expect(decodeStatusMessage(text('<html>'), PROTOBUF)).toBeUndefined();
    expect(decodeStatusMessage(text('<html>'), 'text/html')).toBeUndefined();
  });
});

describe('the wait that a google.rpc.Status asks for', () => {
  const status = (...details: [type: string, value: Uint8Array][]) =>
    encode('Status', {
      code: 8,
      message: 'slow',
      details: details.map(([type, value]) => ({ typeUrl: `type.googleapis.com/${type}`, value })),
    });
  const retryInfo = (retryDelay: object): [string, Uint8Array] => [
    'google.rpc.RetryInfo',
    encode('RetryInfo', { retryDelay }),
  ];

  it.each([
    [{ seconds: 2, nanos: 500_000_000 }, 2500],
    [{ nanos: 1_000_000 }, 1],
    [{ seconds: 315_576_000_000 }, 315_576_000_000_000],
    [{}, 0],
    [{ seconds: -1 }, 0],
  ])('%j: %d ms', (delay, expected) => {
    expect(decodeRetryDelay(status(retryInfo(delay)))).toBe(expected);
  });

  it('is found among other details, and is 0 without a duration', () => {
    const help: [string, Uint8Array] = ['google.rpc.Help', text('x')];
    expect(decodeRetryDelay(status(help, retryInfo({ seconds: 1 }), help))).toBe(1000);
    expect(decodeRetryDelay(status(['google.rpc.RetryInfo', new Uint8Array()]))).toBe(0);
  });

  it('is none without a RetryInfo', () => {
    expect(decodeRetryDelay(status())).toBeUndefined();
    expect(decodeRetryDelay(status(['google.rpc.Help', text('x')]))).toBeUndefined();
    expect(decodeRetryDelay(new Uint8Array())).toBeUndefined();
  });

  it('is none in what is cut short, whatever that is', () => {
    const whole = status(['google.rpc.Help', text('x')], retryInfo({ seconds: 7 }));
    for (let length = 0; length < whole.length; length++) {
      expect(decodeRetryDelay(whole.subarray(0, length))).toBeUndefined();
    }
    expect(decodeRetryDelay(whole)).toBe(7000);
  });

  it('random bytes are read without an exception', () => {
    const random = randomFrom(11);
    for (let i = 0; i < 2000; i++) {
      const bytes = Uint8Array.from({ length: i % 60 }, () => random.below(256));
      const delay = decodeRetryDelay(bytes);
      expect(delay === undefined || delay >= 0).toBe(true);
    }
  });
});
