import { open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { shown } from '../../deliver/outcome.ts';
import type { Outcome, Signal, Transport } from '../../deliver/transport.ts';
import { OtlpError } from '../../errors.ts';
import { jsonLinesTransport } from '../../exporters/json-lines.ts';

export interface FileTransportOptions {
  /**
   * The file, which is created when it is missing; its folder is not. A path or a `file:` URL. A file
   * has one signal: `{signal}` in its name becomes `traces`, `logs` or `metrics`; without that, logs of
   * `telemetry.jsonl` are written to `telemetry.logs.jsonl`, metrics to `telemetry.metrics.jsonl`.
   */
  readonly path: string | URL;
}

/**
 * A transport that appends to a file per signal, one line of OTLP/JSON per request (OpenTelemetry protocol
 * file exporter): `start({ transport: fileTransport({ path: 'traces.jsonl' }) })`. The file is
 * opened for each line, so it may be renamed or removed at any time (log rotation).
 *
 * A file that cannot be written, or not there, rejects the records; a full disk lets them wait, as an
 * endpoint that is away does.
 *
 * @throws OtlpError `invalid_option` when `path` is none.
 */
export function fileTransport(options: FileTransportOptions): Transport {
  const path = checkedPath(options?.path);
  /** Their files end within a line: what was being written did not fit. */
  const torn = new Set<Signal>();

  async function append(line: Uint8Array, signal: Signal): Promise<void> {
    const file = await open(pathOf(path, signal), 'a');
    try {
      if (torn.has(signal)) {
        await file.write(Uint8Array.of(0x0a));
        torn.delete(signal);
      }
      for (let at = 0; at < line.length; ) {
        const { bytesWritten } = await file.write(line, at);
        at += bytesWritten;
        if (at < line.length) torn.add(signal);
        else torn.delete(signal);
      }
    } finally {
      await file.close();
    }
  }

  return jsonLinesTransport({
    name: `file:${path}`,
    append,
    outcomeOf: (error, signal) => outcomeOf(error as NodeJS.ErrnoException, pathOf(path, signal)),
  });
}

const SIGNAL = '{signal}';

/** A file must have one signal (protocol file exporter, "Telemetry data requirements"). */
function pathOf(path: string, signal: Signal): string {
  if (path.includes(SIGNAL)) return path.replaceAll(SIGNAL, signal);
  if (signal === 'traces') return path;
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.${signal}${extension}`;
}

function checkedPath(path: unknown): string {
  try {
    if (path instanceof URL) return fileURLToPath(path);
    if (typeof path === 'string' && path !== '' && !path.includes('\0')) {
      return path.startsWith('file:') ? fileURLToPath(path) : resolve(path);
    }
  } catch {}
  const seen = path instanceof URL ? path.protocol : typeof path === 'string' ? `'${path}'` : path;
  throw new OtlpError(
    'invalid_option',
    `option 'path' is ${String(seen).slice(0, 80)}; give the path of a file, or a file: URL.`,
  );
}

/** What may pass while spans wait: disks are emptied, files closed. */
const PASSING = /^(ENOSPC|EDQUOT|EMFILE|ENFILE|EAGAIN|EBUSY|EINTR|ENOMEM|EIO|ETIMEDOUT|ESTALE)$/;

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  EPIPE: 'nobody reads it any more',
};

function outcomeOf(error: NodeJS.ErrnoException, name: string): Outcome {
  const { code = '' } = error;
  const cause = CAUSES[code] ?? String(error.message ?? error);
  const reason = shown(`${name} cannot be written: ${cause}${code && ` (${code})`}`, []);
  return PASSING.test(code) ? { kind: 'retryable', reason } : { kind: 'rejected', reason };
}

/**
 * A transport that writes to standard output, one line of OTLP/JSON per request (`otlp/stdout`).
 * What else the program prints there stands between the lines.
 */
export function stdoutTransport(): Transport {
  return jsonLinesTransport({
    name: 'otlp/stdout',
    append: writeToStdout,
    outcomeOf: (error) => outcomeOf(error as NodeJS.ErrnoException, 'standard output'),
  });
}

/** Resolves when the line has been handed to the operating system. */
function writeToStdout(line: Uint8Array): Promise<void> {
  const { stdout } = process;
  return new Promise((resolve, reject) => {
    // A reader that has gone away would end the program, unless somebody listens.
    const ignore = () => {};
    stdout.on('error', ignore);
    stdout.write(line, (error) => {
      // The event comes after this call.
      setImmediate(() => stdout.removeListener('error', ignore));
      if (error) reject(error);
      else resolve();
    });
  });
}
