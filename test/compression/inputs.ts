/** What the compression suite compresses: groups of inputs, each made when its turn comes. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORPUS_SIGNALS, otlpCorpus } from '../support/otlp-corpora.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

export interface Group {
  readonly name: string;
  inputs(): readonly Uint8Array[];
  /** So large that some decoders get it only. */
  readonly large?: boolean;
}

const RECORDS = [1, 10, 64, 512, 5000];
const KIB = 1024;
const MIB = 1024 * 1024;

function noise(random: SeededRandom, length: number): Uint8Array {
  return new Uint8Array(length).map(() => random.below(256));
}

/** Files of the repository that begin so and end so, one behind the other. */
function files(root: string, folder: string, ending: string): Uint8Array {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const wanted = names.filter((name) => name.endsWith(ending) && !name.includes('generated'));
  return Buffer.concat(wanted.sort().map((name) => readFileSync(join(root, folder, name))));
}

/** Letters as unlike each other as the deepest codes need. */
function fibonacci(random: SeededRandom, length: number): Uint8Array {
  const bytes = [];
  for (let symbol = 0, a = 1, b = 1; bytes.length < length; symbol++, [a, b] = [b, a + b]) {
    for (let i = 0; i < a && bytes.length < length; i++) bytes.push(symbol);
  }
  for (let i = bytes.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [bytes[i], bytes[j]] = [bytes[j], bytes[i]];
  }
  return Uint8Array.from(bytes);
}

/** Periods around every distance that formats and tables have a limit at. */
const PERIODS = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  ...[63, 64, 65, 127, 128, 129, 255, 256, 257, 258, 259, 512, 1023, 1024, 1025, 2047, 2048, 2049],
  ...[4095, 4096, 4097, 8191, 8192, 8193, 16_383, 16_384, 16_385, 24_576, 32_506, 32_507, 32_508],
  ...[32_766, 32_767, 32_768, 32_769, 32_770, 40_000, 65_534, 65_535, 65_536, 65_537, 65_538],
  70_000,
];

function periodic(random: SeededRandom, period: number): Uint8Array {
  const unit = noise(random, period);
  const length = period * (period < 5000 ? 4 : 2) + 300 + random.below(1000);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = unit[i % period];
  return bytes;
}

/** Lengths around what blocks, chunks and windows hold. */
const EDGES = [
  4096, 8192, 16_384, 32_768, 65_535, 65_536, 98_304, 131_072, 196_608, 262_144, 524_288, 1_048_576,
].flatMap((size) => [size - 1, size, size + 1]);

/** Pieces of everything, again after up to eight megabytes. */
function mixture(random: SeededRandom, parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const size = Math.min(length - at, 1 + random.below(2 ** (4 + random.below(17))));
    const kind = random.below(4);
    if (kind === 0 && at > 0) {
      const distance = 1 + random.below(Math.min(at, 8 * MIB));
      for (let i = 0; i < size; i++) bytes[at + i] = bytes[at + i - distance];
    } else if (kind === 1) {
      bytes.set(noise(random, Math.min(size, 20_000)), at);
      at += Math.min(size, 20_000);
      continue;
    } else {
      const part = parts[random.below(parts.length)];
      const from = random.below(part.length);
      const taken = part.subarray(from, from + size);
      bytes.set(taken, at);
      at += taken.length;
      continue;
    }
    at += size;
  }
  return bytes;
}

export function groups(root: string): readonly Group[] {
  const random = randomFrom(2026);
  const text = () => files(root, 'docs', '.md');
  const source = () => files(root, 'src', '.ts');
  const lockfile = () => new Uint8Array(readFileSync(join(root, 'package-lock.json')));
  const generated = (name: string) => readFileSync(join(root, 'src/engine/generated', name));
  const executable = () =>
    new Uint8Array(readFileSync(process.execPath).subarray(1 << 20, 3 << 20));
  const telemetry = (records: number) => CORPUS_SIGNALS.map((name) => otlpCorpus(name, records));

  return [
    {
      name: 'every length from 0 to 300',
      inputs: () => {
        const prose = text().subarray(1000);
        const request = telemetry(10)[0];
        const random = randomFrom(300);
        return Array.from({ length: 301 }, (_, length) => [
          prose.subarray(length, 2 * length),
          request.subarray(length, 2 * length),
          noise(random, length),
          new Uint8Array(length),
          noise(random, length).map((byte) => 97 + (byte & 1)),
        ]).flat();
      },
    },
    ...RECORDS.map((records) => ({
      name: `traces, logs and metrics of ${records}`,
      inputs: () => telemetry(records),
    })),
    { name: 'text', inputs: () => [text()] },
    { name: 'source code', inputs: () => [source()] },
    { name: 'JSON', inputs: () => [lockfile()] },
    {
      name: 'WebAssembly and a part of an executable',
      inputs: () => [generated('core-simd.wasm'), generated('codecs-simd.wasm'), executable()],
    },
    {
      name: 'one byte over and over',
      inputs: () => [
        new Uint8Array(1000),
        new Uint8Array(MIB),
        new Uint8Array(3 * MIB + 1).fill(255),
      ],
    },
    { name: 'noise', inputs: () => [noise(random, 65_536), noise(random, 2 * MIB + 17)] },
    {
      name: 'letters without matches, of the deepest codes and of alike ones',
      inputs: () => [
        fibonacci(random, 300_000),
        fibonacci(random, 1000),
        noise(random, 200_000).map((byte) => byte & 15),
        noise(random, 200_000).map((byte) => Math.min(byte & 127, 100)),
      ],
    },
    {
      name: `periods from 1 to ${PERIODS.at(-1)}`,
      inputs: () => PERIODS.map((period) => periodic(random, period)),
    },
    {
      name: 'lengths around powers of two',
      inputs: () => {
        const parts = [source(), ...telemetry(512)];
        const bytes = mixture(randomFrom(5), parts, 2 * MIB);
        return EDGES.map((length, i) => bytes.subarray(1000 * i, 1000 * i + length));
      },
    },
    {
      name: 'a mixture of 12 MiB',
      large: true,
      inputs: () => {
        const parts = [text(), source(), lockfile(), executable(), ...telemetry(5000)];
        return [mixture(randomFrom(12), [...parts, new Uint8Array(40 * KIB)], 12 * MIB)];
      },
    },
  ];
}
